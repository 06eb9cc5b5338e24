//! What VMs share through memory that other modules could write to: segments, the head, the lease, the slots.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    digest::Digest,
    feed::{Application, Credential, CredentialKind},
    head::Head,
    ids::ObjectId,
    lease::{LEASE_MS, Lease, RENEW_MS, Step},
    names::Names,
    segment::{HEADER_LENGTH, Part, Table, applications, credentials},
    slots::{MAX_SLOTS, SILENT_MS, Slot, Slots},
    snapshot::Identifier,
};

fn credential(number: u8) -> Credential {
    Credential {
        digest: Digest([number; 16]),
        kind: CredentialKind::BearerToken,
        application: 70_000,
        id: ObjectId([number; 16]),
        identifier: None,
        version: 3,
        enabled: true,
        not_before: 1_700_000_000_000,
        expires_at: 1_900_000_000_000,
        scopes: vec!["orders:read".to_owned(), "orders:write".to_owned()],
        tokens_valid_from: 0,
    }
}

fn application(index: u32) -> Application {
    Application {
        index,
        id: ObjectId([5; 16]),
        name: "billing".to_owned(),
        custom_id: Some("c-17".to_owned()),
        enabled: true,
    }
}

#[test]
fn a_segment_gives_back_what_was_packed() {
    let mut records: Vec<Credential> = (0..200).map(credential).collect();
    records[7].identifier = Some("chosen.id".to_owned());
    records[8].scopes = Vec::new();
    records[9].enabled = false;
    let kinds = [
        CredentialKind::ApiKey,
        CredentialKind::BasicGenerated,
        CredentialKind::BasicChosen,
        CredentialKind::ApiKeyPair,
    ];
    for (record, kind) in records[10..].iter_mut().zip(kinds) {
        record.kind = kind;
    }
    records[20].kind = CredentialKind::OauthClient;
    records[20].tokens_valid_from = 1_800_000_000_123;
    records[21] = Credential {
        scopes: Vec::new(),
        ..records[20].clone()
    };
    records[21].digest = Digest([21; 16]);
    let packed = credentials::pack(1, 9, records.iter().rev().cloned().collect());
    assert_eq!(credentials::unpack(&packed), records);
    let found = credentials::find(&packed, &Digest([7; 16])).expect("there");
    assert_eq!(found.identifier(), Identifier::Chosen("chosen.id"));
    assert_eq!(found.scopes(), "orders:read orders:write");
    assert!(credentials::find(&packed, &Digest([201; 16])).is_none());
}

#[test]
fn a_generated_credential_takes_56_bytes() {
    let records: Vec<Credential> = (0..100)
        .map(|number| Credential {
            scopes: Vec::new(),
            ..credential(number)
        })
        .collect();
    let packed = credentials::pack(1, 1, records);
    assert_eq!(
        packed.len(),
        HEADER_LENGTH + 100 * credentials::RECORD_LENGTH
    );
    assert_eq!(credentials::RECORD_LENGTH, 56);
}

#[test]
fn a_bucket_gives_back_what_was_packed() {
    let records = vec![
        application(3),
        Application {
            custom_id: None,
            enabled: false,
            ..application(1027)
        },
    ];
    let packed = applications::pack(1, 9, records.clone());
    assert_eq!(applications::unpack(&packed), records);
    assert_eq!(
        applications::find(&packed, 3).map(|view| view.name().to_owned()),
        Some("billing".to_owned())
    );
    assert!(applications::find(&packed, 4).is_none());
}

#[test]
fn what_must_not_stand_in_a_header_is_not_honoured() {
    let bad = |identifier: &str| Credential {
        identifier: Some(identifier.to_owned()),
        ..credential(1)
    };
    let too_long = "x".repeat(65);
    for identifier in ["", "a b", "a\r\nx: y", "é", &too_long] {
        assert!(
            credentials::unpack(&credentials::pack(1, 1, vec![bad(identifier)])).is_empty(),
            "{identifier:?}"
        );
    }
    for name in ["", "a\nb", "ü", &"x".repeat(257)] {
        let record = Application {
            name: name.to_owned(),
            ..application(1)
        };
        assert!(
            applications::unpack(&applications::pack(1, 1, vec![record])).is_empty(),
            "{name:?}"
        );
    }
    let scope = Credential {
        scopes: vec!["a\nb".to_owned()],
        ..credential(1)
    };
    assert!(credentials::unpack(&credentials::pack(1, 1, vec![scope])).is_empty());
}

#[test]
fn every_part_has_a_number_of_its_own() {
    for number in 0..u16::try_from(Part::COUNT).expect("small") {
        assert_eq!(Part::from_number(number).number(), number);
    }
    assert_eq!(Part::from_number(4096), Part::Applications(Table::Even, 0));
    assert_eq!(Part::from_number(5120), Part::Applications(Table::Odd, 0));
    assert_eq!(Part::from_number(6144), Part::Issuers(Table::Even));
    assert_eq!(Part::from_number(6145), Part::Issuers(Table::Odd));
}

#[test]
fn names_differ_by_token_registry_and_group() {
    let names = |token: &str, identity: &[&str]| Names::new(token.as_bytes(), identity).head();
    let own = names("token", &["cluster", "default"]);
    assert_eq!(own, names("token", &["cluster", "default"]));
    assert_ne!(own, names("another", &["cluster", "default"]));
    assert_ne!(own, names("token", &["cluster", "other"]));
    assert_ne!(own, names("token", &["clusterdefault", ""]));
}

#[test]
fn the_first_vm_takes_the_lease_and_renews_it_in_time() {
    let Step::Write(lease) = Lease::step(None, 1, 5000, true) else {
        panic!("a free lease is taken");
    };
    assert_eq!(
        lease,
        Lease {
            holder: 1,
            term: 1,
            until_ms: 5000 + LEASE_MS
        }
    );
    assert_eq!(Lease::step(Some(lease), 1, 5100, true), Step::Lead(lease));
    let renewed = Lease {
        until_ms: 5000 + RENEW_MS + LEASE_MS,
        ..lease
    };
    assert_eq!(
        Lease::step(Some(lease), 1, 5000 + RENEW_MS, true),
        Step::Write(renewed)
    );
}

#[test]
fn another_vm_follows_until_the_lease_ends_and_then_raises_the_term() {
    let lease = Lease {
        holder: 1,
        term: 4,
        until_ms: 6000,
    };
    assert_eq!(Lease::step(Some(lease), 2, 5999, true), Step::Follow);
    let taken = Lease {
        holder: 2,
        term: 5,
        until_ms: 6000 + LEASE_MS,
    };
    assert_eq!(Lease::step(Some(lease), 2, 6000, true), Step::Write(taken));
}

#[test]
fn a_vm_whose_calls_vanish_lets_the_lease_end() {
    let lease = Lease {
        holder: 1,
        term: 4,
        until_ms: 6000,
    };
    assert_eq!(Lease::step(Some(lease), 1, 5900, false), Step::Lead(lease));
    assert_eq!(Lease::step(Some(lease), 1, 6000, false), Step::Follow);
}

fn slot(vm: u64, revision: u64, serves: bool, at_ms: u64) -> Slot {
    Slot {
        vm,
        queue: 1,
        serves,
        generation: 1,
        announced: 0,
        revision,
        at_ms,
    }
}

#[test]
fn an_acknowledgement_counts_the_living_vms_that_serve() {
    let mut slots = Slots::default();
    assert_eq!(slots.lowest_revision(1, 1000), None);
    slots.put(slot(1, 3, false, 1000));
    assert_eq!(
        slots.lowest_revision(1, 1000),
        None,
        "the main thread's VM serves nobody"
    );
    slots.put(slot(2, 9, true, 1000));
    slots.put(slot(3, 7, true, 1000));
    assert_eq!(slots.lowest_revision(1, 1000), Some((7, 2)));
    slots.put(slot(2, 10, true, 1001 + SILENT_MS));
    assert_eq!(
        slots.lowest_revision(1, 1001 + SILENT_MS),
        Some((10, 1)),
        "a silent VM loses its place"
    );
}

#[test]
fn positions_of_two_logs_are_not_compared() {
    let mut slots = Slots::default();
    slots.put(slot(1, 10, true, 1000));
    slots.put(Slot {
        generation: 2,
        ..slot(2, 3, true, 1000)
    });
    assert_eq!(slots.lowest_revision(2, 1000), Some((0, 2)));
}

#[test]
fn slots_do_not_grow_without_bound() {
    let mut slots = Slots::default();
    for vm in 0..MAX_SLOTS as u64 {
        assert!(slots.put(slot(vm, 1, true, 1000)));
    }
    assert!(!slots.put(slot(9999, 1, true, 1000)));
    assert!(slots.put(slot(9999, 1, true, 1001 + SILENT_MS)));
    assert_eq!(Slots::decode(&slots.encode()), Some(slots));
}

#[test]
fn foreign_bytes_are_no_records() {
    assert_eq!(Head::decode(b"\xff\xff\xff\xff"), None);
    assert_eq!(Lease::decode(b""), None);
    assert_eq!(Slots::decode(b"\xff"), None);
    assert!(credentials::unpack(&applications::pack(1, 1, vec![application(1)])).is_empty());
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use filter_core::{
        digest::Digest,
        feed::Page,
        head::Head,
        lease::Lease,
        segment::{applications, credentials},
        slots::Slots,
        sync::plan,
    };
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in vec(any::<u8>(), 0..400), digest in any::<[u8; 16]>(), index in any::<u32>()) {
            let _ = (Head::decode(&bytes), Lease::decode(&bytes), Slots::decode(&bytes), Page::decode(&bytes));
            let mut bytes = bytes;
            for table in [credentials::TABLE, applications::TABLE] {
                if bytes.len() > 1 {
                    bytes[0] = 1;
                    bytes[1] = table;
                }
                if let Some(credential) = credentials::find(&bytes, &Digest(digest)) {
                    let _ = (credential.identifier(), credential.scopes());
                }
                let _ = (credentials::unpack(&bytes), applications::unpack(&bytes), applications::find(&bytes, index));
            }
        }

        #[test]
        fn a_damaged_segment_can_be_read(at in 0_usize..1000, to in any::<u8>()) {
            let mut bytes = credentials::pack(1, 1, (0..16).map(super::credential).collect());
            let at = at % bytes.len();
            bytes[at] = to;
            for number in 0..16 {
                if let Some(credential) = credentials::find(&bytes, &Digest([number; 16])) {
                    let _ = (credential.identifier(), credential.scopes(), credential.kind());
                }
            }
            let _ = credentials::unpack(&bytes);
        }

        #[test]
        fn any_page_can_be_planned_for(bytes in vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            bytes.insert(0, filter_core::feed::FORMAT);
            if let Ok(page) = Page::decode(&bytes) {
                let mut head = Head::default();
                head.claim();
                let _ = plan(&head, page);
            }
        }
    }
}
