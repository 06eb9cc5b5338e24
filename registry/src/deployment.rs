//! Which secrets which gateway groups honour. One function decides it, after whatever changed.

mod explicit;
mod key;
mod lookup;
pub mod rekeying;
mod rule;
mod settle;
mod state;

#[cfg(test)]
mod tests;

pub(crate) use explicit::{choose, groups_of, leave, on_demand, say_of};
pub(crate) use key::Digesters;
pub(crate) use settle::{Settling, add_token, check_is_free, settle};

pub use explicit::{deploy, undeploy};
pub use state::{Deployment, State, Whereabouts, of_group, whereabouts};
