//! Everything that decides or reports the strength of a session.
//!
//! Nobody else holds an acr string or builds an amr list. A session is a list of [`FactorEvent`]s; `acr`, `amr`,
//! `auth_time`, the Credential Strength label and every decision are computed from them. Nothing stores a level.

mod facts;
mod acr;
mod amr;
mod class;
mod defaults;
mod catalogue;
mod requirement;
mod evaluate;
mod acceptable;
mod decide;
mod strength;
mod explain;

pub use acceptable::{Acceptable, acceptable};
pub use acr::{Acr, AcrError};
pub use catalogue::{Catalogue, CatalogueError, CatalogueSettings};
pub use class::{AcrClass, Combination, Selector};
pub use decide::{Decision, Granted, Product, RepairReason, UnmetReason, Why, decide};
pub use explain::{Explanation, HasLine, Verdict, explain};
pub use facts::{
    CredentialKind, CredentialState, Evidence, FactorEvent, HeldCredential, Holdings, Method, UnknownName,
};
pub use requirement::{ApplicationPolicy, Ask, AskError, Requirement};
pub use strength::{Strength, is_login, is_recovering, label, offers, standing, strength};
