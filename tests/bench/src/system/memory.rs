//! What Envoy holds with all credentials, beyond what it holds with a filter that does nothing.

use filter_core::{
    digest::{Digester, SecretHash},
    feed::{Body, CREDENTIAL_SEGMENTS, MEDIA_TYPE, Page, credential_segment},
};

use super::{
    admin::Admin,
    figure,
    gateway::{Filter, GUARDED, Gateway},
    grouped,
    http::{Connection, get},
    usage,
    watch::{PERIOD, Watch},
};
use crate::{
    report::{Context, Failed, Figure, Section, Target},
    seed::{Running, Seeded},
};

const ROW: &str = "Envoy memory at 1,000,000 credentials";

pub(crate) fn measure(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    workers: usize,
) -> Result<Vec<Figure>, Failed> {
    let keys = seed.secrets()?;
    let mut registry = seed.start(context)?;
    let requests = one_for_each_segment(&registry, &keys)?;
    let empty = {
        let gateway = Gateway::start(context, Filter::Empty, workers)?;
        touch(&gateway, &requests)?;
        usage::memory(gateway.id())?
    };
    let mut gateway = Gateway::start(context, Filter::Keysmith(&registry), workers)?;
    touch(&gateway, &requests)?;
    let steady = usage::memory(gateway.id())?;

    let known = requests.first().ok_or("there is no key")?;
    let watch = Watch::start(gateway.one_for_each_worker()?, known, PERIOD, Some(200));
    reset(&mut registry, &mut gateway)?;
    let waits = watch.stop()?;
    touch(&gateway, &requests)?;
    let after_reset = usage::memory(gateway.id())?;
    let peak = usage::peak_memory(gateway.id())?;

    let is_target = credentials == 1_000_000 && workers == 2;
    let target = is_target.then_some(Target::at_most(300.0, ROW));
    let count = grouped(credentials);
    let over_empty = |when: &str, memory: f64| {
        figure(
            Section::Memory,
            format!("{count} credentials, {workers} workers, {when}"),
            "MB",
            memory - empty,
            target,
            format!(
                "over the empty module; every worker has answered a request in each of the {} segments; the whole process \
                 {memory:.0} MB, with the empty module after the same requests {empty:.0} MB",
                requests.len(),
            ),
        )
    };
    let mut figures = vec![
        over_empty("steady", steady),
        over_empty("after a reset", after_reset),
    ];
    if let Some(last) = figures.last_mut() {
        last.note = format!("{}; the most it ever held {peak:.0} MB", last.note);
    }
    figures.push(figure(
        Section::Snapshot,
        format!("longest wait of a request while {count} credentials load again, {workers} workers"),
        "ms",
        waits.longest_ms(),
        None,
        format!(
            "a good key, admitted throughout, while the registry starts again without the last changes and the gateway takes a \
             full snapshot; {}",
            waits.describe()
        ),
    ));
    Ok(figures)
}

/// The same of Envoy's own filter.
pub(crate) fn measure_native(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    workers: usize,
) -> Result<Figure, Failed> {
    let requests: Vec<Vec<u8>> = seed
        .secrets()?
        .iter()
        .take(usize::from(CREDENTIAL_SEGMENTS))
        .map(|key| get(GUARDED, &[("apikey", key)]))
        .collect();
    let held = |filter| -> Result<f64, Failed> {
        let gateway = Gateway::start(context, filter, workers)?;
        touch(&gateway, &requests)?;
        Ok(usage::memory(gateway.id())?)
    };
    let (none, native) = (held(Filter::None)?, held(Filter::Native(seed))?);
    Ok(figure(
        Section::Memory,
        format!(
            "{} credentials, {workers} workers, Envoy's api_key_auth",
            grouped(credentials)
        ),
        "MB",
        native - none,
        None,
        format!(
            "over an Envoy without a filter, which loads no V8; keys in plain text, with the configuration that the admin interface can show; the \
             whole process {native:.0} MB"
        ),
    ))
}

/// A request with a key for each segment that has one.
fn one_for_each_segment(registry: &Running, keys: &[String]) -> Result<Vec<Vec<u8>>, Failed> {
    let authorization = format!("Bearer {}", registry.gateway_token);
    let request = get(
        "/v1/feed",
        &[("accept", MEDIA_TYPE), ("authorization", &authorization)],
    );
    let page = Page::decode(&Connection::open(registry.address)?.send(&request)?.body)?;
    let Body::Snapshot(snapshot) = page.body else {
        return Err("the feed does not begin with a snapshot".into());
    };
    let beginning = snapshot.begins.ok_or("the snapshot does not begin")?;
    let digester = Digester::new(&beginning.digest_key);
    let mut found: Vec<Option<&String>> = vec![None; usize::from(CREDENTIAL_SEGMENTS)];
    for key in keys {
        let digest = digester.digest(&SecretHash::of_value(key.as_bytes()));
        found[usize::from(credential_segment(&digest))] = Some(key);
    }
    let requests = found.into_iter().flatten();
    Ok(requests
        .map(|key| get(GUARDED, &[("apikey", key)]))
        .collect())
}

/// Sends every request to every worker; each must pass.
fn touch(gateway: &Gateway, requests: &[Vec<u8>]) -> Result<(), Failed> {
    for mut connection in gateway.one_for_each_worker()? {
        for request in requests {
            let status = connection.status(request)?;
            if status != 200 {
                return Err(format!("a good key was answered {status}").into());
            }
        }
    }
    Ok(())
}

/// Makes the gateway take a full snapshot while it serves, and waits until every worker has it: the registry forgets a
/// change that the gateway has, and a change that follows the snapshot arrives.
fn reset(registry: &mut Running, gateway: &mut Gateway) -> Result<(), Failed> {
    let mut admin = Admin::new(registry)?;
    let application = admin.application("reset")?;
    let forgotten = admin.key(&application, "forgotten")?;
    gateway.wait_for_key(&forgotten.secret, 200)?;
    registry.roll_back()?;
    let mut admin = Admin::new(registry)?;
    let application = admin.application("reset")?;
    let following = admin.key(&application, "following")?;
    gateway.wait_for_key(&following.secret, 200)?;
    gateway.wait_for_key(&forgotten.secret, 401)
}
