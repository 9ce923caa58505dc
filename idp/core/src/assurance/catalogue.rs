//! The classes of a deployment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::class::{AcrClass, Combination};
use super::{Acr, CredentialKind, defaults};

/// The classes as they are configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueSettings {
    /// The classes, weakest first.
    pub classes: Vec<AcrClass>,
}

impl Default for CatalogueSettings {
    fn default() -> Self {
        Self { classes: defaults::classes() }
    }
}

/// What is wrong with configured classes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A URI names two classes.
    #[error("assurance.classes: {0} names two classes")]
    DuplicateUri(Acr),
    /// A class has no URI.
    #[error("assurance.classes: {0} has no URI")]
    NoUri(String),
    /// A class that nothing satisfies, or that everything does.
    #[error("assurance.classes: {0} needs combinations, each with at least one factor in each place")]
    Empty(String),
}

/// The classes of a deployment, checked.
#[derive(Clone, Debug)]
pub struct Catalogue {
    classes: Vec<AcrClass>,
    by_uri: BTreeMap<Acr, usize>,
}

impl Catalogue {
    /// Checks configured classes.
    ///
    /// # Errors
    /// The first class that is unfit.
    pub fn new(settings: &CatalogueSettings) -> Result<Self, CatalogueError> {
        let mut by_uri = BTreeMap::new();
        for (index, class) in settings.classes.iter().enumerate() {
            let unfit = |combination: &Combination| combination.all_of.is_empty() || combination.is_impossible();
            if class.any_of.is_empty() || class.any_of.iter().any(unfit) {
                return Err(CatalogueError::Empty(class.name.clone()));
            }
            if class.uris.is_empty() {
                return Err(CatalogueError::NoUri(class.name.clone()));
            }
            for uri in &class.uris {
                if by_uri.insert(uri.clone(), index).is_some() {
                    return Err(CatalogueError::DuplicateUri(uri.clone()));
                }
            }
        }
        Ok(Self { classes: settings.classes.clone(), by_uri })
    }

    /// Every URI, for `acr_values_supported`.
    pub fn uris(&self) -> impl Iterator<Item = &Acr> {
        self.classes.iter().flat_map(|class| &class.uris)
    }

    /// The class that a URI asks for.
    pub fn class(&self, uri: &str) -> Option<(&Acr, &AcrClass)> {
        let acr: Acr = uri.parse().ok()?;
        let (acr, index) = self.by_uri.get_key_value(&acr)?;
        self.classes.get(*index).map(|class| (acr, class))
    }

    /// The classes that name a session of this strength, proofed first.
    pub(super) fn naming(&self, kind: CredentialKind) -> impl Iterator<Item = &AcrClass> {
        self.classes.iter().rev().filter(move |class| class.names == Some(kind))
    }
}
