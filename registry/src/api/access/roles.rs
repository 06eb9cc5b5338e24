//! Extractors, each named by what it proves of the caller's role.

use std::marker::PhantomData;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{AppState, Kind, Problem, identity};
use crate::{
    caller::Caller,
    ids::{GroupId, TokenId},
    listener::Peer,
    token::{Role, RoleName},
};

/// Some roles, and the name of the extractor that proves one of them.
pub(crate) trait Roles {
    const NAME: &'static str;
    const ROLES: &'static [RoleName];
}

/// The caller holds a token with one of the roles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<R> {
    pub(crate) token: TokenId,
    caller: Caller,
    roles: PhantomData<R>,
}

impl<R> By<R> {
    /// For the use cases.
    pub(crate) const fn caller(&self) -> Caller {
        self.caller
    }
}

impl<R: Roles> FromRequestParts<AppState> for By<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let caller = prove(parts, R::ROLES)?;
        Ok(Self {
            token: caller.0,
            caller: caller.1,
            roles: PhantomData,
        })
    }
}

macro_rules! extractors {
    ($($(#[$about:meta])* $name:ident: $($role:ident)+;)+) => {
        pub(crate) mod sets {
            //! The sets of roles that extractors prove.
            $(
                #[derive(Clone, Copy, Debug)]
                pub(crate) struct $name;

                impl super::Roles for $name {
                    const NAME: &'static str = stringify!($name);
                    const ROLES: &'static [super::RoleName] = &[$(super::RoleName::$role),+];
                }
            )+
        }

        $($(#[$about])* pub(crate) type $name = By<sets::$name>;)+

        /// The roles that each extractor proves, by its name.
        pub(crate) const EXTRACTORS: &[(&str, &[RoleName])] =
            &[$((<sets::$name as Roles>::NAME, <sets::$name as Roles>::ROLES)),+,
              (Gateway::NAME, Gateway::ROLES)];
    };
}

extractors! {
    /// May do everything.
    Admin: PortalAdmin;
    /// May read what administrators alone change.
    AdminReader: PortalAdmin Auditor;
    /// May decide what applications are allowed, in every organization.
    ApiOwner: PortalAdmin ApiOwner;
    /// May see how the gateways are.
    GatewayWatcher: PortalAdmin ApiOwner Auditor;
    /// May change the applications and credentials that it sees, and have their secrets shown.
    Editor: PortalAdmin ApiOwner OrgAdmin Developer;
    /// May read the applications and credentials that it sees.
    Reader: PortalAdmin ApiOwner OrgAdmin Developer Auditor;
    /// May make and revoke tokens that are not above its own.
    TokenManager: PortalAdmin OrgAdmin;
    /// May read who has tokens of an organization, and what was done in it.
    Overseer: PortalAdmin OrgAdmin Auditor;
    /// May report leaked secrets.
    LeakReporter: PortalAdmin LeakReporter;
}

/// The caller holds a token with role `gateway`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gateway {
    pub(crate) token: TokenId,
    pub(crate) group: GroupId,
}

impl Roles for Gateway {
    const NAME: &'static str = "Gateway";
    const ROLES: &'static [RoleName] = &[RoleName::Gateway];
}

impl FromRequestParts<AppState> for Gateway {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        match prove(parts, Self::ROLES)? {
            (token, caller) if let Role::Gateway { group } = caller.role => {
                Ok(Self { token, group })
            }
            _ => Err(Problem::new(Kind::Forbidden)),
        }
    }
}

/// The caller, if its role is one of these.
fn prove(parts: &Parts, roles: &[RoleName]) -> Result<(TokenId, Caller), Problem> {
    let identity = identity(parts)?;
    let name = identity.role.name();
    if !roles.contains(&name) {
        return Err(forbidden(name, roles));
    }
    let caller = Caller {
        organization: identity.organization,
        token: Some(identity.token),
        role: identity.role,
        address: parts.extensions.get::<Peer>().map(|peer| peer.0.ip()),
    };
    Ok((identity.token, caller))
}

fn forbidden(name: RoleName, roles: &[RoleName]) -> Problem {
    let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
    let noun = if words.len() == 1 { "role" } else { "roles" };
    Problem::new(Kind::Forbidden).detail(format!(
        "this is for tokens of {noun} {}; this one's role is {}",
        words.join(", "),
        name.word()
    ))
}
