//! The end of an interaction: a code and tokens for the client, or a page of ours.

use serde_json::json;
use stepgate_core::assurance::Granted;
use stepgate_core::authorize::{AuthorizationRequest, AuthorizationResponse, Given, GivenAccessToken, PageError};
use stepgate_core::entropy::random_token;
use stepgate_core::grants::{AuthorizationCode, Grant, GrantTerms};
use stepgate_core::id::GrantId;
use stepgate_core::secret::{SecretString, TokenHash};
use stepgate_store::{Connection, consents, grants, pushed};

use super::evaluate::Standing;
use super::parked::Parked;
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;
use crate::logout::check_session;
use crate::requests;
use crate::token::mint::{self, Bound, MadeAccessToken};

/// How issuing ended.
pub enum Issued {
    /// Here is the answer.
    Answer(AuthorizationResponse),
    /// The parked request, or the pushed one that it was, was finished already.
    Gone,
    /// The client changed meanwhile and cannot be answered.
    Unanswerable(PageError),
}

/// Issues what the response type asks for, about what holds now: grant, code, access token and audit event in one
/// transaction, which also uses up the parked request and the pushed one, where there are such.
pub async fn issue(
    cx: &Cx,
    request: &AuthorizationRequest,
    client: &Registered,
    standing: &Standing,
    parked: Option<&Parked>,
) -> Result<Issued, Fault> {
    let Some(granted) = &standing.granted else {
        return Err(Fault::internal("tokens were asked for before the requirement was met"));
    };
    if let Err(error) = request.redirect(&client.client) {
        return Ok(Issued::Unanswerable(error));
    }
    let grant = Grant {
        id: GrantId::random(cx.entropy()),
        person: standing.person.id,
        client: client.client.id.clone(),
        session: standing.live.session.id,
        terms: terms(request, granted),
        created_at: cx.now,
        revoked_at: None,
    };
    let made = match Made::new(cx, request, client, standing, &grant).await {
        Ok(made) => made,
        // The client wants its ID tokens encrypted, and has no key that fits.
        Err(ProtocolFailure::Refused(error)) => {
            let answer = request.answer_error(&client.client, &error, cx.app.issuer());
            return Ok(answer.map_or_else(Issued::Unanswerable, Issued::Answer));
        }
        Err(ProtocolFailure::Fault(fault)) => return Err(fault),
        Err(_) => return Err(Fault::internal("a failure of another endpoint")),
    };
    let answer = match request.answer(&client.client, made.given(cx, request), cx.app.issuer()) {
        Ok(answer) => answer,
        Err(error) => return Ok(Issued::Unanswerable(error)),
    };
    let answer = match check_session::for_answer(cx, request, grant.session) {
        Some(state) => answer.with_session_state(state),
        None => answer,
    };
    let transaction = cx.app.db.begin().await?;
    if let Some(parked) = parked {
        if !parked.take(&transaction).await? {
            return Ok(Issued::Gone);
        }
        if parked.interaction.decided.consented {
            let items = request.consent_items();
            consents::add_consent(&transaction, grant.person, &grant.client, &items, cx.now).await?;
        }
    }
    if !take_pushed(cx, request, &transaction).await? {
        return Ok(Issued::Gone);
    }
    grants::insert_grant(&transaction, &grant).await?;
    made.keep(cx, request, &grant, &transaction).await?;
    let event = Event::new("authorization.granted").by(grant.person).session(grant.session).client(&grant.client);
    let event = event.data(json!({
        "acr": grant.terms.acr, "amr": grant.terms.amr, "scope": grant.terms.scope,
        "response_type": request.response_type.as_str(),
    }));
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    requests::granted(cx, request, granted);
    Ok(Issued::Answer(answer))
}

/// Uses up the pushed request that a request was. `false` when it was answered before; `true` when it was none.
pub async fn take_pushed(cx: &Cx, request: &AuthorizationRequest, connection: &impl Connection) -> Result<bool, Fault> {
    match request.pushed {
        Some(id) => Ok(pushed::take_pushed(connection, id, cx.now).await?),
        None => Ok(true),
    }
}

/// What was made for an answer. Nothing of it is in force before it was kept.
struct Made {
    code: Option<SecretString>,
    access_token: Option<MadeAccessToken>,
    id_token: Option<SecretString>,
}

impl Made {
    async fn new(
        cx: &Cx,
        request: &AuthorizationRequest,
        client: &Registered,
        standing: &Standing,
        grant: &Grant,
    ) -> Result<Self, ProtocolFailure> {
        let asked = request.response_type;
        let code = asked.has_code().then(|| SecretString::new(random_token(cx.entropy())));
        let access_token = if asked.has_access_token() {
            Some(mint::make_access_token(cx, client, grant, &request.scope)?)
        } else {
            None
        };
        let bound = Bound {
            code: code.as_ref().map(|code| code.expose().as_str()),
            access_token: access_token.as_ref().map(|made| made.token.expose().as_str()),
            state: request.state.as_deref(),
            // OpenID Connect Core §5.4: unless there will be an access token, now or for the code.
            scope: (!asked.has_access_token() && !asked.has_code()).then_some(&request.scope),
        };
        let id_token = if asked.has_id_token() {
            Some(SecretString::new(mint::authorization_id_token(cx, client, grant, &standing.person, bound).await?))
        } else {
            None
        };
        Ok(Self { code, access_token, id_token })
    }

    fn given<'a>(&'a self, cx: &Cx, request: &'a AuthorizationRequest) -> Given<'a> {
        Given {
            code: self.code.as_ref(),
            access_token: self.access_token.as_ref().map(|made| GivenAccessToken {
                token: &made.token,
                expires_in: cx.app.settings.tokens.access_seconds,
                scope: &request.scope,
            }),
            id_token: self.id_token.as_ref(),
        }
    }

    async fn keep(
        &self,
        cx: &Cx,
        request: &AuthorizationRequest,
        grant: &Grant,
        connection: &impl Connection,
    ) -> Result<(), Fault> {
        if let Some(code) = &self.code {
            let row = AuthorizationCode {
                hash: TokenHash::of(code.expose()),
                grant: grant.id,
                client: grant.client.clone(),
                redirect_uri: request.redirect_uri().to_owned(),
                code_challenge: request.code_challenge.as_ref().map(|challenge| challenge.as_str().to_owned()),
                expires_at: cx.now + cx.app.settings.tokens.lifetimes().code(),
            };
            grants::insert_code(connection, &row).await?;
        }
        if let Some(access_token) = &self.access_token {
            access_token.keep(connection).await?;
        }
        Ok(())
    }
}

fn terms(request: &AuthorizationRequest, granted: &Granted) -> GrantTerms {
    GrantTerms {
        scope: request.scope.iter().map(str::to_owned).collect(),
        acr: granted.acr.as_ref().map(ToString::to_string),
        amr: granted.amr.clone(),
        auth_time: granted.auth_time,
        nonce: request.nonce.clone(),
        claims: request.claims.to_terms(),
        resource: request.resource.clone(),
        auth_time_wanted: request.auth_time_wanted,
    }
}
