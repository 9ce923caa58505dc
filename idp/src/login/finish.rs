//! The end of an interaction: a code for the client, or a page of ours.

use serde_json::json;
use stepgate_core::assurance::Granted;
use stepgate_core::authorize::{AuthorizationRequest, AuthorizationResponse, PageError};
use stepgate_core::entropy::random_token;
use stepgate_core::grants::{AuthorizationCode, Grant, GrantTerms};
use stepgate_core::id::GrantId;
use stepgate_core::secret::{SecretString, TokenHash};
use stepgate_store::{consents, grants};

use super::evaluate::Standing;
use super::parked::Parked;
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::requests;

/// How issuing a code ended.
pub enum Issued {
    /// Here is the answer.
    Answer(AuthorizationResponse),
    /// The parked request was finished already.
    Gone,
    /// The client changed meanwhile and cannot be answered.
    Unanswerable(PageError),
}

/// Issues a code for what holds now: grant, code and audit event in one transaction, which also uses up the parked
/// request, where there is one.
pub async fn issue_code(
    cx: &Cx,
    request: &AuthorizationRequest,
    client: &Registered,
    standing: &Standing,
    parked: Option<&Parked>,
) -> Result<Issued, Fault> {
    let Some(granted) = &standing.granted else {
        return Err(Fault::internal("a code was asked for before the requirement was met"));
    };
    let grant = Grant {
        id: GrantId::random(cx.entropy()),
        person: standing.person.id,
        client: client.client.id.clone(),
        session: standing.live.session.id,
        terms: terms(request, granted),
        created_at: cx.now,
        revoked_at: None,
    };
    let code = SecretString::new(random_token(cx.entropy()));
    let answer = match request.answer_code(&client.client, &code, cx.app.issuer()) {
        Ok(answer) => answer,
        Err(error) => return Ok(Issued::Unanswerable(error)),
    };
    let row = AuthorizationCode {
        hash: TokenHash::of(code.expose()),
        grant: grant.id,
        client: client.client.id.clone(),
        redirect_uri: request.redirect_uri().to_owned(),
        code_challenge: request.code_challenge.as_ref().map(|challenge| challenge.as_str().to_owned()),
        expires_at: cx.now + cx.app.settings.tokens.lifetimes().code(),
    };
    let transaction = cx.app.db.begin().await?;
    if let Some(parked) = parked {
        if !parked.take(&transaction).await? {
            return Ok(Issued::Gone);
        }
        if parked.interaction.decided.consented {
            let scopes = &grant.terms.scope;
            consents::upsert_consent(&transaction, grant.person, &grant.client, scopes, cx.now).await?;
        }
    }
    grants::insert_grant(&transaction, &grant).await?;
    grants::insert_code(&transaction, &row).await?;
    let event = Event::new("authorization.granted").by(grant.person).session(grant.session).client(&grant.client);
    let event = event.data(json!({ "acr": grant.terms.acr, "amr": grant.terms.amr, "scope": grant.terms.scope }));
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    requests::granted(cx, request, granted);
    Ok(Issued::Answer(answer))
}

fn terms(request: &AuthorizationRequest, granted: &Granted) -> GrantTerms {
    GrantTerms {
        scope: request.scope.iter().map(str::to_owned).collect(),
        acr: granted.acr.as_ref().map(ToString::to_string),
        amr: granted.amr.clone(),
        auth_time: granted.auth_time,
        nonce: request.nonce.clone(),
        claims: request.claims.to_terms(),
        auth_time_wanted: request.auth_time_wanted,
    }
}
