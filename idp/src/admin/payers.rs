//! Who pays for others, as far as an administrator reaches: to choose from, by id, and by name where a list would not hold
//! them all.

use stepgate_core::subscriptions::order::Sponsor;
use stepgate_store::{people, reports, sponsors};

use super::access::Scope;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::form::{Control, Field};
use crate::shop::checkout::{read_sponsor, sponsor_value};

/// As many organizations, and as many partners, as a list to choose from holds.
const LISTED: usize = 500;

/// Who may pay, each with its name: the first of them, where the scope is everybody.
pub(super) async fn list(cx: &Cx, scope: &Scope) -> Result<Vec<(Sponsor, String)>, Fault> {
    if *scope != Scope::All {
        return Ok(sponsors::list_names(&cx.app.db, &own(scope)).await?);
    }
    let organizations = people::list_organizations(&cx.app.db).await?.into_iter();
    let partners = people::list_partners(&cx.app.db).await?.into_iter();
    let organizations = organizations.map(|known| (Sponsor::Organization(known.id), known.name));
    Ok(organizations.chain(partners.map(|known| (Sponsor::Partner(known.id), known.name))).collect())
}

/// The sponsors that a scope names; none where it is everybody or nobody.
pub(super) fn own(scope: &Scope) -> Vec<Sponsor> {
    let Scope::Limited { organizations, partners, .. } = scope else { return Vec::new() };
    let partners = partners.iter().map(|id| Sponsor::Partner(*id));
    organizations.iter().map(|id| Sponsor::Organization(*id)).chain(partners).collect()
}

/// The fields of a form that names one: `sponsor`, and `sponsor_name` where there are more than are listed. `nobody` is a
/// choice too, where it has words.
pub(super) fn fields(
    (label, nobody): (&str, Option<&str>),
    known: &[(Sponsor, String)],
    typed: &dyn Fn(&str) -> String,
) -> Vec<Field> {
    let mut choices: Vec<(String, String)> =
        nobody.into_iter().map(|words| (String::new(), words.to_owned())).collect();
    choices.extend(known.iter().map(|(sponsor, name)| (sponsor_value(*sponsor), name.clone())));
    let control = Control::Select(choices);
    let mut fields = vec![match nobody {
        Some(_) => Field::optional("sponsor", label, control, typed("sponsor")),
        None => Field::required("sponsor", label, control, typed("sponsor")),
    }];
    if known.len() >= LISTED {
        let name = Field::optional("sponsor_name", "Or somebody else", Control::Text, typed("sponsor_name"));
        fields.push(name.help("The exact name of an organization or a partner that is not in the list."));
    }
    fields
}

/// Whom a form names, if the scope reaches it; else the field that is wrong, and what to do. Nobody is `None`.
pub(super) async fn chosen(
    cx: &Cx,
    scope: &Scope,
    typed: &(dyn Fn(&str) -> String + Sync),
) -> Result<Result<Option<(Sponsor, String)>, (&'static str, &'static str)>, Fault> {
    let within = |sponsor: &Sponsor| *scope == Scope::All || own(scope).contains(sponsor);
    let name = typed("sponsor_name").trim().to_owned();
    if !name.is_empty() {
        let mut found = sponsors::list_named(&cx.app.db, &name).await?;
        found.retain(within);
        return Ok(match found.as_slice() {
            [one] => Ok(Some((*one, name))),
            [] => Err(("sponsor_name", "Nobody has this name. Write it as it stands under Organizations or Partners.")),
            _ => Err(("sponsor_name", "Several have this name. Choose one of them in the list.")),
        });
    }
    if typed("sponsor").is_empty() {
        return Ok(Ok(None));
    }
    let known = match read_sponsor(&typed("sponsor")).filter(within) {
        Some(sponsor) => reports::find_sponsor_name(&cx.app.db, sponsor).await?.map(|name| (sponsor, name)),
        None => None,
    };
    Ok(known.map(Some).ok_or(("sponsor", "Choose one of these.")))
}
