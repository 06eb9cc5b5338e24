//! Registries with many credentials, made once and kept, from which each measurement starts with a copy of its own.
//!
//! The rows are written by the registry's own library, in the same way as through its API, with many credentials in one
//! transaction.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use filter_core::key::SecretType;
use registry::{entropy::SystemEntropy, secret_policy::SecretPolicy, secrets::SecretText};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{
    report::{Context, Failed, progress},
    variant::jwt,
};

mod fill;
mod postgres;
mod running;

use self::postgres::Filled;
pub use self::running::Running;

/// To be raised when seeds are filled in another way, so that the old ones are not taken.
const CONTENT: u8 = 2;
/// What one application owns at most.
pub const PER_APPLICATION: usize = 10_000;
/// Credentials in the seeds of bearer tokens and of passwords.
pub const OTHERS: usize = 1000;
/// Credentials with a chosen password: each costs an Argon2.
pub const CHOSEN: usize = 20;
/// Tokens of the one client in the seed of JWTs.
pub const JWTS: usize = 10_000;

/// A data folder with credentials in it, and what opens it. To be copied, never to be used in place.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The registry's data folder.
    pub data_dir: PathBuf,
    /// The token with every right, to be given to the registry by its environment.
    pub admin_token: String,
    /// The token of the gateways of group `default`, likewise.
    pub gateway_token: String,
    /// The secrets, one a line: a key, a token, or `user:password`.
    pub keys: PathBuf,
    /// What verifies its JWTs, as a JWKS document.
    pub key_set: PathBuf,
    /// The server that holds its database, where that is not a file in the data folder.
    postgres: Option<Arc<Filled>>,
}

/// What a seed's credentials are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ApiKeys,
    BearerTokens,
    GeneratedPasswords,
    ChosenPasswords,
    /// One client, and [`JWTS`] tokens of it.
    Client,
}

/// A registry with this many generated API keys.
pub async fn registry(context: &Context, credentials: usize) -> Result<Seeded, Failed> {
    seeded(context, Kind::ApiKeys, credentials).await
}

/// A registry with [`OTHERS`] bearer tokens.
pub async fn bearer(context: &Context) -> Result<Seeded, Failed> {
    seeded(context, Kind::BearerTokens, OTHERS).await
}

/// A registry with [`OTHERS`] Basic credentials whose passwords the registry made.
pub async fn basic(context: &Context) -> Result<Seeded, Failed> {
    seeded(context, Kind::GeneratedPasswords, OTHERS).await
}

/// A registry with [`CHOSEN`] Basic credentials whose passwords somebody chose.
pub async fn chosen(context: &Context) -> Result<Seeded, Failed> {
    seeded(context, Kind::ChosenPasswords, CHOSEN).await
}

/// A registry with one OAuth client, whose issuer has signed [`JWTS`] tokens.
pub async fn client(context: &Context) -> Result<Seeded, Failed> {
    seeded(context, Kind::Client, 1).await
}

/// The seed as it was made before, or a new one.
async fn seeded(context: &Context, kind: Kind, credentials: usize) -> Result<Seeded, Failed> {
    let name = format!("seed-{}{credentials}-{}", kind.name(), schema()?);
    let folder = context.folder.join(name);
    // Whoever else wants a seed waits until this one is there.
    let lock = fs::File::create(context.folder.join("seed.lock"))?;
    lock.lock()?;
    if !folder.exists() {
        progress(&format!("seeding {credentials} {kind:?}"));
        // Made aside and moved into place: a seed that broke off is not taken for one.
        let aside = TempDir::with_prefix_in("seeding-", &context.folder)?;
        make(aside.path(), kind, credentials).await?;
        fs::rename(aside.keep(), &folder)?;
    }
    Seeded::in_folder(&folder)
}

async fn make(folder: &Path, kind: Kind, credentials: usize) -> Result<(), Failed> {
    for (name, secret) in [
        (ADMIN_TOKEN, SecretType::AdminToken),
        (GATEWAY_TOKEN, SecretType::GatewayToken),
    ] {
        let token = SecretPolicy::default().generate(secret, &SystemEntropy)?;
        write_secret(&folder.join(name), &token)?;
    }
    let data = folder.join(DATA);
    fs::create_dir(&data)?;
    let secrets = folder.join(KEYS);
    if kind != Kind::Client {
        return fill::fill(&data, &secrets, kind, credentials, None).await;
    }
    let tokens = jwt::tokens(JWTS);
    let unused = folder.join("unused");
    fill::fill(&data, &unused, kind, credentials, Some(tokens.issuer())).await?;
    fs::remove_file(unused)?;
    fs::write(folder.join(KEY_SET), tokens.key_set().to_string())?;
    Ok(fs::write(secrets, tokens.tokens.join("\n"))?)
}

const DATA: &str = "data";
const KEYS: &str = "keys";
const KEY_SET: &str = "key-set";
const ADMIN_TOKEN: &str = "admin-token";
const GATEWAY_TOKEN: &str = "gateway-token";

impl Seeded {
    fn in_folder(folder: &Path) -> Result<Self, Failed> {
        let token = |name| -> Result<String, Failed> {
            Ok(fs::read_to_string(folder.join(name))?.trim().to_owned())
        };
        Ok(Self {
            data_dir: folder.join(DATA),
            admin_token: token(ADMIN_TOKEN)?,
            gateway_token: token(GATEWAY_TOKEN)?,
            keys: folder.join(KEYS),
            key_set: folder.join(KEY_SET),
            postgres: None,
        })
    }

    /// The same credentials in a PostgreSQL server of this run, brought there by the registry's own backup and restore.
    pub fn on_postgres(&self, context: &Context) -> Result<Self, Failed> {
        progress("bringing the seed to PostgreSQL");
        let filled = Filled::from(self, context)?;
        Ok(Self {
            data_dir: filled.data_dir(),
            postgres: Some(Arc::new(filled)),
            ..self.clone()
        })
    }

    /// The kind of its database, as people call it.
    pub fn database(&self) -> &'static str {
        if self.postgres.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    }

    /// All its secrets.
    pub fn secrets(&self) -> Result<Vec<String>, Failed> {
        let text = fs::read_to_string(&self.keys)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// A copy of the data in `folder`, which costs nothing where the file system can share blocks.
    pub fn copy_to(&self, folder: &Path) -> Result<(), Failed> {
        let copied = std::process::Command::new("cp")
            .args(["--reflink=auto", "-r", "--"])
            .arg(&self.data_dir)
            .arg(folder)
            .status()?;
        if copied.success() {
            Ok(())
        } else {
            Err(format!("{} cannot be copied", self.data_dir.display()).into())
        }
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiKeys => "",
            Self::BearerTokens => "bearer-",
            Self::GeneratedPasswords => "basic-",
            Self::ChosenPasswords => "chosen-",
            Self::Client => "client-",
        }
    }
}

/// A hash of everything that decides what a seed is: another schema or key format makes other seeds.
fn schema() -> Result<String, Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<PathBuf> = fs::read_dir(root.join("registry/migrations/sqlite"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, Failed>>()?;
    for file in [
        "filter/core/src/digest.rs",
        "filter/core/src/key.rs",
        "registry/src/password.rs",
        "registry/src/sealing.rs",
        "registry/src/secret.rs",
        "registry/src/secrets.rs",
    ] {
        files.push(root.join(file));
    }
    files.sort();
    let mut hash = Sha256::new_with_prefix([CONTENT]);
    for file in files {
        hash.update(fs::read(file)?);
    }
    let bytes = hash.finalize();
    let [first, second, third, fourth, ..] = bytes.0;
    let number = u32::from_be_bytes([first, second, third, fourth]);
    Ok(format!("{number:08x}"))
}

fn write_secret(path: &Path, secret: &SecretText) -> Result<(), Failed> {
    use std::io::Write as _;
    Ok(writeln!(secret_file(path)?, "{}", secret.expose())?)
}

/// A new file that nobody else may read.
fn secret_file(path: &Path) -> Result<fs::File, Failed> {
    use std::os::unix::fs::OpenOptionsExt as _;
    Ok(fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?)
}
