//! Creating an application.

use std::collections::BTreeMap;

use super::{Application, Created, DefaultKey, NewApplication, default, grant, value};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    credential::{Draft, Issued, NewCredential, NewSecret, SecretType},
    environment::Environment,
    error::Error,
    idempotency::{self, Receipt},
    ids::ApplicationId,
    label::{self, Labels},
    organization,
    scope::Scopes,
    store::WriteTransaction,
};

/// Creates an application, with its default credential if it must have one, and no other yet.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewApplication,
    receipt: Option<Receipt<Changed<Created>>>,
) -> Result<Changed<Created>, Error> {
    let mut write = env.store.write().await?;
    let created = add(env, write.as_mut(), caller, new).await?;
    let changed = Changed::of(write.as_mut(), created).await?;
    idempotency::keep(receipt, env, write.as_mut(), &changed).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more. Nothing is written before everything is checked.
pub(crate) async fn add(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    new: NewApplication,
) -> Result<Created, Error> {
    let now = env.now();
    let name = value::name(new.name)?;
    let custom_id = value::custom_id(new.custom_id)?;
    let description = label::description(new.description)?;
    let labels = Labels::parse(new.labels)?;
    let scopes = Scopes::parse("scopes", new.scopes)?;

    let groups = write.groups().await?;
    let application = Application {
        id: ApplicationId::generate(now, env.entropy.as_ref())?,
        organization: caller.organization,
        owner: grant::owner(caller, new.owner)?,
        number: write.next_application_number().await?,
        name,
        custom_id,
        description,
        labels,
        scopes,
        reach: value::reach(new.gateway_groups, &groups)?,
        enabled: new.enabled,
        default_key: new.default_key,
        default_credential: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    grant::check(caller, &application.without_grants(), &application)?;
    value::check_name_is_free(write, &application).await?;
    organization::admit_application(env, write, application.organization).await?;
    write.insert_application(&application).await?;
    for group in value::admitting(&application, &groups) {
        write.admit(group, &application).await?;
    }
    let created = with_default(env, write, caller, application).await?;
    let event = Event::of_application(Action::ApplicationCreated, &created.application)
        .made(&created.application);
    audit::note(env, write, caller, event).await?;
    Ok(created)
}

async fn with_default(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    mut application: Application,
) -> Result<Created, Error> {
    let mut default_credential = None;
    if application.default_key == DefaultKey::Required {
        let issued = default_key(env, write, caller, &application).await?;
        application.default_credential = Some(issued.detail.credential.id);
        write.update_application(&application).await?;
        default_credential = Some(issued);
    }
    Ok(Created {
        application,
        default_credential,
    })
}

/// A key that may do what the application may.
async fn default_key(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    application: &Application,
) -> Result<Issued, Error> {
    let new = NewCredential {
        application: application.id,
        name: default::NAME.to_owned(),
        identifier: None,
        description: String::new(),
        labels: BTreeMap::new(),
        enabled: true,
        not_before: None,
        expires_at: None,
        scopes: application.scopes.iter().map(ToOwned::to_owned).collect(),
        gateway_groups: None,
        rotate_every: None,
        secret_type: SecretType::Hashed,
        is_paired: false,
        secret: NewSecret::GeneratedApiKey,
    };
    let draft = Draft::of(env, application.organization, new).await?;
    draft.insert(env, write, caller, application).await
}
