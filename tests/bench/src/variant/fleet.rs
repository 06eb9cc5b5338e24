//! Every process of a run: an Envoy per variant, and the registries, the checker and the upstream around them. All are
//! started once and stay until the end, so that only the slices differ.

use std::{
    collections::{HashMap, hash_map::Entry},
    env, fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use e2e::{eventually::within, ports, process::Process};
use serde_json::{Value, json};

use super::{
    Check, Variant, filter,
    gateway::Gateway,
    jwt,
    secret::{self, Kind, Secrets},
};
use crate::{
    report::{Context, Failed, progress},
    seed::{self, Running, Seeded},
};

/// The processes of a run. All end with this value.
#[derive(Debug)]
pub struct Fleet {
    folder: PathBuf,
    seeds: HashMap<(Kind, usize), Seeded>,
    registries: HashMap<(Kind, usize), Running>,
    helpers: HashMap<String, (SocketAddr, Process)>,
    gateways: Vec<Gateway>,
}

impl Fleet {
    /// Starts all variants, and waits until each can be measured.
    pub async fn start(context: &Context, variants: &[Variant]) -> Result<Self, Failed> {
        let folder = context.folder.join("cpu");
        fs::create_dir_all(&folder)?;
        let mut fleet = Self {
            folder,
            seeds: HashMap::new(),
            registries: HashMap::new(),
            helpers: HashMap::new(),
            gateways: Vec::new(),
        };
        fleet.helper("upstream", &[]).await?;
        for variant in variants {
            if fleet.find(*variant).is_none() {
                Box::pin(fleet.launch(context, *variant)).await?;
            }
        }
        for gateway in &mut fleet.gateways {
            progress(&format!("preparing {}", gateway.variant.file_name()));
            Box::pin(gateway.prepare()).await?;
        }
        Ok(fleet)
    }

    /// The Envoy that stands for a variant.
    ///
    /// # Panics
    /// When it was not started.
    pub fn gateway(&self, variant: Variant) -> &Gateway {
        self.find(variant).expect("a variant that was started")
    }

    /// Where files of this run lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The checker and the upstream.
    pub fn helpers(&self) -> Vec<u32> {
        self.helpers
            .values()
            .map(|(_, process)| process.id())
            .collect()
    }

    fn find(&self, variant: Variant) -> Option<&Gateway> {
        self.gateways
            .iter()
            .find(|gateway| gateway.variant == variant)
    }

    async fn launch(&mut self, context: &Context, variant: Variant) -> Result<(), Failed> {
        progress(&format!("starting {}", variant.file_name()));
        let (check, count) = (variant.check, variant.credentials);
        let secrets = self.secrets(context, check.secret(), count).await?;
        let mut around = vec![("upstream", self.helpers["upstream"].0)];
        let mut companion = None;
        if check == Check::ExtAuthz {
            let keys = secrets.file.display().to_string();
            let checker = self.helper("checker", &["--keys", &keys]).await?;
            around.push(("checker", checker));
            companion = Some(self.helpers["checker"].1.id());
        }
        let mut token = None;
        if check.is_keysmith() {
            let registry = self.registry(context, check.secret(), count)?;
            around.push(("registry", registry.address));
            token = Some(registry.gateway_token.clone());
        }
        let filter = self.filter(context, check, count, &secrets)?;
        let folder = &self.folder;
        let token = token.as_deref();
        let mut gateway =
            Gateway::launch(context, folder, variant, secrets, filter, &around, token)?;
        gateway.companion = companion;
        self.gateways.push(gateway);
        Ok(())
    }

    fn filter(
        &self,
        context: &Context,
        check: Check,
        count: usize,
        secrets: &Secrets,
    ) -> Result<Option<Value>, Failed> {
        let keysmith =
            |rule: Value| filter::module(&context.filter, "keysmith", &filter::keysmith(&rule));
        Ok(Some(match check {
            Check::None => return Ok(None),
            Check::Empty => filter::module(&context.empty, "empty", ""),
            Check::Probe => {
                filter::module(&context.probe, "probe", &fs::read_to_string(&secrets.file)?)
            }
            Check::NativeKey => filter::native_key(&secrets.read()?),
            Check::Key => keysmith(json!({"key_auth": {"hide_credentials": true}})),
            Check::NativeBasic => {
                filter::native_basic(&self.seeds[&(Kind::Password, count)].secrets()?)
            }
            Check::Basic | Check::ChosenBasic => {
                keysmith(json!({"basic_auth": {"hide_credentials": true}}))
            }
            Check::NativeJwt => {
                let key_set = fs::read_to_string(&self.seeds[&(Kind::Jwt, count)].key_set)?;
                filter::native_jwt(&key_set, count)
            }
            Check::Jwt => keysmith(json!({
                "bearer": {"accept": ["jwt"], "audiences": [jwt::AUDIENCE], "hide_credentials": true},
            })),
            Check::Bearer => keysmith(json!({"bearer": {"hide_credentials": true}})),
            Check::ExtAuthz => filter::ext_authz(),
        }))
    }

    async fn secrets(
        &mut self,
        context: &Context,
        kind: Kind,
        count: usize,
    ) -> Result<Secrets, Failed> {
        if let Entry::Vacant(place) = self.seeds.entry((kind, count)) {
            let seeded = match kind {
                Kind::ApiKey => seed::registry(context, count).await?,
                Kind::Token => seed::bearer(context).await?,
                Kind::Password => seed::basic(context).await?,
                Kind::ChosenPassword => seed::chosen(context).await?,
                Kind::Jwt => seed::client(context).await?,
            };
            place.insert(seeded);
        }
        let seeded = &self.seeds[&(kind, count)];
        match kind {
            Kind::Password | Kind::ChosenPassword => {
                let pairs: Vec<String> = seeded
                    .secrets()?
                    .iter()
                    .map(|pair| secret::basic(pair))
                    .collect();
                self.written(kind, count, &pairs)
            }
            Kind::Jwt => self.written(kind, count, &seeded.secrets()?[..count]),
            _ => Ok(Secrets {
                kind,
                file: seeded.keys.clone(),
                count,
            }),
        }
    }

    fn written(&self, kind: Kind, count: usize, secrets: &[String]) -> Result<Secrets, Failed> {
        let file = self.folder.join(format!("{kind:?}-{count}.secrets"));
        Secrets::write(kind, &file, secrets)
    }

    fn registry(
        &mut self,
        context: &Context,
        kind: Kind,
        count: usize,
    ) -> Result<&Running, Failed> {
        let place = (kind, count);
        if !self.registries.contains_key(&place) {
            let running = self.seeds[&place].start(context)?;
            self.registries.insert(place, running);
        }
        Ok(&self.registries[&place])
    }

    /// Starts this binary as something that stands around Envoy.
    async fn helper(&mut self, name: &str, arguments: &[&str]) -> Result<SocketAddr, Failed> {
        if let Some((address, _)) = self.helpers.get(name) {
            return Ok(*address);
        }
        let address = ports::free();
        let mut command = Command::new(env::current_exe()?);
        command
            .arg(name)
            .args(["--listen", &address.to_string()])
            .args(arguments);
        let process = Process::start(name, command, &self.folder);
        within(Duration::from_secs(30), name, || async move {
            TcpStream::connect(address).map(drop)
        })
        .await;
        self.helpers.insert(name.to_owned(), (address, process));
        Ok(address)
    }
}
