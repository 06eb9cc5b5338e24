//! The credentials that the registry knows, and the snapshot that a leader makes of them.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use filter_core::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    feed::{
        APPLICATION_BUCKETS, Application, Beginning, Body, CREDENTIAL_SEGMENTS, Change,
        ChangesPage, Credential, CredentialKind, FORMAT, Issuer, Operation, Page, Records,
        SnapshotPage,
    },
    head::Head,
    ids::ObjectId,
    jwt::{Algorithm, ClientClaim, PublicKey, VerificationKey},
    key::{PlainSecret, SecretType},
    snapshot::Part,
    sync::{Updated, plan},
};

/// The time of every decision that does not say otherwise.
pub(crate) const NOW: u64 = 1_700_000_000_000;

/// What requests and expectations may refer to.
fn named_secrets() -> Vec<(&'static str, String)> {
    let generated = |kind, seed: u8| {
        let secret = PlainSecret::generate("ks", kind, &[seed; 64]).expect("64 bytes suffice");
        String::from(secret.expose())
    };
    vec![
        ("$key", generated(SecretType::ApiKey, 1)),
        ("$own", String::from("secret-api-key")),
        ("$disabled", generated(SecretType::ApiKey, 2)),
        ("$early", generated(SecretType::ApiKey, 3)),
        ("$expired", generated(SecretType::ApiKey, 4)),
        ("$asleep", generated(SecretType::ApiKey, 5)),
        ("$orphan", generated(SecretType::ApiKey, 6)),
        ("$stranger", generated(SecretType::ApiKey, 7)),
        ("$namesake", generated(SecretType::ApiKey, 10)),
        ("$token", generated(SecretType::BearerToken, 8)),
        ("$password", generated(SecretType::Password, 9)),
        ("$paired", generated(SecretType::ApiKey, 11)),
        ("$shared", generated(SecretType::ClientSecret, 12)),
        ("$successor", generated(SecretType::ClientSecret, 13)),
        ("$unshared", generated(SecretType::ClientSecret, 14)),
        ("$plus", String::from("csdt8UPw76/SG+WlHBoFeg==")),
    ]
}

/// The secret that a name stands for.
pub(crate) fn secret(name: &str) -> String {
    let found = named_secrets()
        .into_iter()
        .find(|(known, _)| *known == name);
    found.expect("a known name").1
}

/// Puts the secrets in the places of their names.
pub(crate) fn fill_in(text: &str) -> String {
    named_secrets()
        .iter()
        .fold(String::from(text), |text, (name, secret)| {
            text.replace(name, secret)
        })
}

fn applications() -> Vec<Application> {
    let application = |index: u8, name: &str, enabled| Application {
        index: index.into(),
        id: ObjectId([index; 16]),
        name: String::from(name),
        custom_id: None,
        enabled,
    };
    vec![
        Application {
            custom_id: Some(String::from("c-42")),
            ..application(1, "billing", true)
        },
        application(2, "sleeper", false),
        application(3, "guest", true),
        application(4, &ObjectId([1; 16]).with_prefix("app_"), true),
    ]
}

fn credentials(digester: &Digester) -> Vec<Credential> {
    let credential = |id, kind, hash: &SecretHash| credential(digester, id, kind, hash);
    let key = |id: u8, name: &str| {
        let hash = SecretHash::of_value(secret(name).as_bytes());
        credential(id, CredentialKind::ApiKey, &hash)
    };
    let token = SecretHash::of_value(secret("$token").as_bytes());
    let password = SecretHash::of_basic(b"ann", secret("$password").as_bytes());
    let pair = |id: u8, key: &str, shared: &str| {
        let [value, shared] =
            [key, shared].map(|name| SecretHash::of_value(secret(name).as_bytes()));
        let hash = SecretHash::of_pair(&value, &shared);
        credential(id, CredentialKind::ApiKeyPair, &hash)
    };
    vec![
        Credential {
            version: 1 << 16 | 1,
            ..pair(14, "$paired", "$shared")
        },
        Credential {
            version: 2 << 16 | 1,
            ..pair(14, "$paired", "$successor")
        },
        pair(15, "$own", "$shared"),
        Credential {
            enabled: false,
            ..pair(16, "$disabled", "$shared")
        },
        Credential {
            identifier: Some(String::from("main")),
            scopes: vec![String::from("orders:read"), String::from("orders:write")],
            ..key(1, "$key")
        },
        key(2, "$own"),
        key(3, "$plus"),
        Credential {
            enabled: false,
            ..key(4, "$disabled")
        },
        Credential {
            not_before: NOW + 1,
            ..key(5, "$early")
        },
        Credential {
            expires_at: NOW,
            ..key(6, "$expired")
        },
        Credential {
            application: 2,
            ..key(7, "$asleep")
        },
        Credential {
            application: 9,
            ..key(8, "$orphan")
        },
        Credential {
            application: 4,
            ..key(13, "$namesake")
        },
        Credential {
            scopes: vec![String::from("orders:read")],
            ..credential(9, CredentialKind::BearerToken, &token)
        },
        credential(10, CredentialKind::BasicGenerated, &password),
        credential(
            11,
            CredentialKind::BasicChosen,
            &SecretHash::of_username(b"bob"),
        ),
        Credential {
            enabled: false,
            ..credential(
                12,
                CredentialKind::BasicChosen,
                &SecretHash::of_username(b"eve"),
            )
        },
    ]
}

/// The clients of the issuers.
fn clients(digester: &Digester) -> Vec<Credential> {
    let credential = |id, kind, hash: &SecretHash| credential(digester, id, kind, hash);
    vec![
        Credential {
            scopes: vec![String::from("orders:read"), String::from("orders:write")],
            ..credential(17, CredentialKind::OauthClient, &client(ISSUER, "client"))
        },
        credential(
            18,
            CredentialKind::OauthClient,
            &client(PLAIN_ISSUER, "client"),
        ),
        Credential {
            enabled: false,
            ..credential(19, CredentialKind::OauthClient, &client(ISSUER, "disabled"))
        },
        Credential {
            application: 2,
            ..credential(20, CredentialKind::OauthClient, &client(ISSUER, "asleep"))
        },
        Credential {
            tokens_valid_from: NOW - 5000,
            ..credential(21, CredentialKind::OauthClient, &client(ISSUER, "renewed"))
        },
        Credential {
            scopes: vec![String::from("orders:read")],
            ..credential(
                23,
                CredentialKind::OauthClient,
                &client(OPAQUE_ISSUER, "client"),
            )
        },
        Credential {
            tokens_valid_from: NOW - 5000,
            ..credential(
                24,
                CredentialKind::OauthClient,
                &client(OPAQUE_ISSUER, "renewed"),
            )
        },
        // Found in the same way as a client, and yet none.
        credential(22, CredentialKind::ApiKey, &client(ISSUER, "key")),
    ]
}

fn credential(digester: &Digester, id: u8, kind: CredentialKind, hash: &SecretHash) -> Credential {
    Credential {
        digest: digester.digest(hash),
        kind,
        application: 1,
        id: ObjectId([id; 16]),
        identifier: None,
        version: 1,
        enabled: true,
        not_before: 0,
        expires_at: 0,
        scopes: Vec::new(),
        tokens_valid_from: 0,
    }
}

fn client(issuer: &str, id: &str) -> SecretHash {
    SecretHash::of_client(issuer, id)
}

/// An issuer whose tokens say that they are access tokens.
pub(crate) const ISSUER: &str = "https://issuer.example";
/// An issuer whose tokens do not, and that names clients otherwise.
pub(crate) const PLAIN_ISSUER: &str = "https://plain.example";

/// An issuer whose tokens say nothing by themselves.
pub(crate) const OPAQUE_ISSUER: &str = "https://opaque.example";

/// The issuer as it is with the key that has this number.
pub(crate) fn issuer(name: &str, key: u8) -> Issuer {
    let is_plain = name == PLAIN_ISSUER;
    Issuer {
        name: String::from(name),
        client_claim: if is_plain {
            ClientClaim::AuthorizedParty
        } else {
            ClientClaim::ClientId
        },
        types_its_tokens: !is_plain,
        introspects: false,
        keys: vec![VerificationKey {
            id: Some(format!("key-{key}")),
            algorithm: Algorithm::Ed25519,
            key: PublicKey::Ed25519(signing_key(key).verifying_key().to_bytes()),
        }],
        revoked: Vec::new(),
    }
}

fn issuers() -> Vec<Issuer> {
    let opaque = Issuer {
        introspects: true,
        keys: Vec::new(),
        ..issuer(OPAQUE_ISSUER, 1)
    };
    vec![issuer(ISSUER, 1), opaque, issuer(PLAIN_ISSUER, 1)]
}

/// The issuers' private keys, by number.
pub(crate) fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The digest of a client at that issuer, by which it is removed.
pub(crate) fn digest_of_client(issuer: &str, id: &str) -> Digest {
    Digester::new(&DigestKey::from_bytes([7; 32])).digest(&client(issuer, id))
}

/// One more change, as a leader publishes it.
pub(crate) fn change(
    head: &Head,
    operation: Operation,
    parts: &mut BTreeMap<Part, Vec<u8>>,
) -> Head {
    let revision = head.revision + 1;
    let change = Change {
        revision,
        operation,
    };
    let changes = vec![change];
    apply(
        head,
        Body::Changes(ChangesPage { revision, changes }),
        parts,
    )
}

/// The snapshot as a leader publishes it.
pub(crate) fn published() -> (Head, BTreeMap<Part, Vec<u8>>) {
    let digest_key = DigestKey::from_bytes([7; 32]);
    let digester = Digester::new(&digest_key);
    let mut credentials = [credentials(&digester), clients(&digester)].concat();
    credentials.sort_by_key(|credential| credential.digest);
    let snapshot = |begins, to, records| {
        Body::Snapshot(SnapshotPage {
            begins,
            revision: 5,
            from: 0,
            to,
            records,
        })
    };
    let begins = Some(Beginning { digest_key });
    let bodies = [
        snapshot(
            begins,
            APPLICATION_BUCKETS,
            Records::Applications(applications()),
        ),
        snapshot(None, CREDENTIAL_SEGMENTS, Records::Credentials(credentials)),
        snapshot(None, 1, Records::Issuers(issuers())),
        Body::Changes(ChangesPage {
            revision: 5,
            changes: Vec::new(),
        }),
    ];
    let mut head = Head::default();
    head.claim();
    let mut parts = BTreeMap::new();
    for body in bodies {
        head = apply(&head, body, &mut parts);
    }
    (head, parts)
}

fn apply(head: &Head, body: Body, parts: &mut BTreeMap<Part, Vec<u8>>) -> Head {
    let page = Page {
        format: FORMAT,
        epoch: [1; 16],
        group: String::from("default"),
        body,
        next: String::from("next"),
        more: false,
    };
    let plan = plan(head, page).expect("in order");
    for update in plan.updates {
        let existing: Option<&Vec<u8>> = parts.get(&update.part);
        if let Updated::Write(bytes) = update.apply(existing.map(Vec::as_slice)) {
            parts.insert(update.part, bytes);
        }
    }
    plan.next
}
