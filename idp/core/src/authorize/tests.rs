use proptest::prelude::*;

use super::*;
use crate::clients::{ClientAuthMethod, ClientMetadata};
use crate::id::{ApplicationId, PersonId};
use crate::oidc::Prompt;
use crate::oidc::params::Params;
use crate::secret::SecretString;

const ISSUER: &str = "https://op.example";
pub(super) const GOOD: &str =
    "client_id=rp&redirect_uri=https://rp.example/cb&response_type=code&scope=openid+email&state=s%201";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const ALICE: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const BOB: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964fe";

/// The subjects of a deployment without sectors.
fn public(subject: &str) -> Option<crate::id::PersonId> {
    subject.parse().ok()
}

pub(super) fn client() -> Client {
    Client {
        id: "rp".to_owned(),
        application: ApplicationId::from_uuid(uuid::Uuid::nil()),
        secrets: Vec::new(),
        metadata: ClientMetadata {
            redirect_uris: vec!["https://rp.example/cb".to_owned(), "https://rp.example/cb?tenant=a".to_owned()],
            grant_types: vec!["authorization_code".to_owned()],
            scope: "openid email offline_access payments".to_owned(),
            ..ClientMetadata::default()
        },
        disabled_at: None,
        created_at: Timestamp::from_unix_seconds(0),
    }
}

fn context() -> Context<'static> {
    Context {
        issuer: ISSUER,
        arrival: Arrival::default(),
        response_types: ResponseType::ALL,
        pushed_only: false,
        supported_scopes: &[],
        hint: Hint::Absent,
        person_of: &public,
        now: Timestamp::from_unix_seconds(1_700_000_000),
    }
}

pub(super) fn judge_with(query: &str, client: &Client, hint: Hint) -> Result<AuthorizationRequest, Refusal> {
    judge_in(query, client, Context { hint, ..context() })
}

fn judge_in(query: &str, client: &Client, context: Context<'_>) -> Result<AuthorizationRequest, Refusal> {
    let raw = RawAuthorization::from(&Params::parse(query.as_bytes()).unwrap());
    let supported_scopes: Vec<String> = crate::oidc::STANDARD_SCOPES.iter().map(|s| (*s).to_owned()).collect();
    validate(&raw, Some(client), &Context { supported_scopes: &supported_scopes, ..context })
}

fn code_only(code: &SecretString) -> Given<'_> {
    Given { code: Some(code), ..Given::default() }
}

pub(super) fn judge(query: &str) -> Result<AuthorizationRequest, Refusal> {
    judge_with(query, &client(), Hint::Absent)
}

fn error(result: Result<AuthorizationRequest, Refusal>) -> OAuthError {
    match result {
        Err(Refusal::Client { error, .. }) => error,
        other => panic!("expected a refusal to the client, not {other:?}"),
    }
}

fn location(response: &AuthorizationResponse) -> String {
    match response.delivery() {
        Delivery::Location(location) => location,
        Delivery::FormPost { .. } => panic!("expected a redirect"),
    }
}

#[test]
fn a_good_request_is_kept_as_it_was_meant() {
    let request = judge(&format!("{GOOD}&max_age=0&prompt=login+consent+unknown&acr_values=b+a&extra=1")).unwrap();
    assert_eq!(request.scope.to_string(), "openid email");
    assert_eq!(request.max_age, Some(0));
    assert!(request.auth_time_wanted);
    assert!(request.prompt.contains(Prompt::Login) && request.prompt.contains(Prompt::Consent));
    assert_eq!(request.acr_values, ["b", "a"]);
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&stored).unwrap(), request);
}

#[test]
fn nobody_is_sent_to_a_uri_that_the_client_did_not_register() {
    let page = |query: &str| match judge(query) {
        Err(Refusal::Page(error)) => error,
        other => panic!("expected a page for {query}, not {other:?}"),
    };
    assert_eq!(page(""), PageError::MissingClientId);
    assert_eq!(page("client_id=other"), PageError::UnknownClient);
    assert_eq!(page("client_id=rp&response_type=code"), PageError::MissingRedirectUri);
    for uri in
        ["https://rp.example/cb/", "https://rp.example/cb?tenant=b", "https%3A%2F%2Frp.example%2Fcb%23f", "//evil"]
    {
        let query = format!("client_id=rp&redirect_uri={uri}&response_type=bad&max_age=x");
        assert_eq!(page(&query), PageError::UnregisteredRedirectUri, "{uri}");
    }
    let disabled = Client { disabled_at: Some(Timestamp::from_unix_seconds(1)), ..client() };
    assert_eq!(judge_with(GOOD, &disabled, Hint::Absent), Err(Refusal::Page(PageError::ClientDisabled)));
}

#[test]
fn a_broken_rule_names_its_parameter() {
    use ErrorCode::*;
    let cases: &[(&str, &str, ErrorCode, &str)] = &[
        ("response_type=code", "", InvalidRequest, "response_type: "),
        ("response_type=code", "response_type=token", UnsupportedResponseType, "response_type: "),
        ("response_type=code", "response_type=code+id_token", UnauthorizedClient, "response_type: "),
        ("", "response_mode=jwt", InvalidRequest, "response_mode: "),
        ("", "resource=https://api.example", InvalidTarget, "resource: "),
        ("", &format!("claims_locales={}", "a".repeat(501)), InvalidRequest, "claims_locales: "),
        ("scope=openid+email", "", InvalidScope, "scope: missing"),
        ("scope=openid+email", "scope=openid+phone", InvalidScope, "scope: phone "),
        ("scope=openid+email", "scope=nonsense", InvalidScope, "scope: "),
        ("scope=openid+email", "scope=openid+%22", InvalidScope, "scope: "),
        ("", "prompt=none+login", InvalidRequest, "prompt: "),
        ("", "max_age=-1", InvalidRequest, "max_age: "),
        ("", "max_age=%2B1", InvalidRequest, "max_age: "),
        ("", "max_age=1.5", InvalidRequest, "max_age: "),
        ("", "max_age=99999999999999999999", InvalidRequest, "max_age: "),
        ("", "claims=%7B", InvalidRequest, "claims: "),
        ("", "claims={\"id_token\":{\"sub\":{\"value\":\"nobody\"}}}", InvalidRequest, "claims: sub"),
        ("", "registration={}", RegistrationNotSupported, "registration: "),
        ("", "code_challenge=abc&code_challenge_method=S256", InvalidRequest, "code_challenge: "),
        ("", "code_challenge_method=S256", InvalidRequest, "code_challenge: "),
        ("", &format!("code_challenge={CHALLENGE}"), InvalidRequest, "code_challenge_method: "),
        (
            "",
            &format!("code_challenge={CHALLENGE}&code_challenge_method=plain"),
            InvalidRequest,
            "code_challenge_method",
        ),
        ("", &format!("login_hint={}", "a".repeat(321)), InvalidRequest, "login_hint: "),
        ("", &format!("acr_values={}", "a".repeat(2049)), InvalidRequest, "acr_values: "),
    ];
    for (without, with, code, description) in cases {
        let error = error(judge(&format!("{}&{with}", GOOD.replace(without, ""))));
        assert_eq!(error.code(), *code, "{with}");
        assert!(error.description().starts_with(description), "{with}: {error}");
    }
}

#[test]
fn clients_keep_to_what_they_registered() {
    let public = |mut client: Client| {
        client.metadata.token_endpoint_auth_method = ClientAuthMethod::None;
        client
    };
    let refused = error(judge_with(GOOD, &public(client()), Hint::Absent));
    assert!(refused.description().starts_with("code_challenge: "));
    let pkce = format!("{GOOD}&code_challenge={CHALLENGE}&code_challenge_method=S256");
    assert!(judge_with(&pkce, &public(client()), Hint::Absent).is_ok());

    let mut service = client();
    service.metadata.grant_types = vec!["client_credentials".to_owned()];
    assert_eq!(error(judge_with(GOOD, &service, Hint::Absent)).code(), ErrorCode::UnauthorizedClient);
    let mut implicit = client();
    implicit.metadata.response_types = vec!["id_token".to_owned()];
    assert_eq!(error(judge_with(GOOD, &implicit, Hint::Absent)).code(), ErrorCode::UnauthorizedClient);
}

/// A client of every response type, registered with their words in another order.
fn hybrid() -> Client {
    let mut client = client();
    let turned = |known: &ResponseType| known.as_str().split(' ').rev().collect::<Vec<_>>().join(" ");
    client.metadata.response_types = ResponseType::ALL.iter().map(turned).collect();
    client.metadata.grant_types = ["authorization_code", "implicit", "refresh_token"].map(str::to_owned).to_vec();
    client.metadata.audience = vec!["https://api.example".to_owned(), "urn:b".to_owned()];
    client
}

#[test]
fn each_response_type_has_its_rules() {
    for known in ResponseType::ALL {
        let asked = GOOD.replace("=code", &format!("={}", known.as_str().replace(' ', "+")));
        let judge = |more: &str, client: &Client| judge_with(&format!("{asked}{more}"), client, Hint::Absent);
        let request = judge("&nonce=n", &hybrid()).unwrap();
        assert_eq!(request.response_type, *known);
        let fragment = known.has_tokens();
        assert_eq!(request.response_mode == ResponseMode::Fragment, fragment, "{known:?}");
        assert_eq!(judge("&nonce=n&response_mode=form_post", &hybrid()).unwrap().response_mode, ResponseMode::FormPost);
        // Tokens never travel in the query, and neither does the error that says so.
        match judge("&nonce=n&response_mode=query", &hybrid()) {
            Ok(request) => assert_eq!((request.response_mode, fragment), (ResponseMode::Query, false)),
            Err(Refusal::Client { response, error }) => {
                assert!(fragment && error.description().starts_with("response_mode: "));
                assert!(location(&response).starts_with("https://rp.example/cb#error="));
            }
            Err(Refusal::Page(page)) => panic!("{page}"),
        }
        // Without a nonce: only where no ID token comes through the browser.
        assert_eq!(judge("", &hybrid()).is_ok(), !known.has_id_token(), "{known:?}");
        // The grant types that it takes.
        for (grant, needed) in [("authorization_code", known.has_code()), ("implicit", known.has_tokens())] {
            let mut without = hybrid();
            without.metadata.grant_types.retain(|known| known != grant);
            assert_eq!(judge("&nonce=n", &without).is_err(), needed, "{known:?} without {grant}");
        }
        // A public client proves that it redeems its own code, where there is one.
        let mut public = hybrid();
        public.metadata.token_endpoint_auth_method = ClientAuthMethod::None;
        assert_eq!(judge("&nonce=n", &public).is_err(), known.has_code(), "{known:?}");
        // An ID token takes openid; a refresh token takes a code.
        let scope = |scope: &str| {
            let query = format!("{}&nonce=n", asked.replace("openid+email", scope));
            judge_with(&query, &hybrid(), Hint::Absent)
        };
        assert_eq!(scope("email").is_ok(), !known.has_id_token(), "{known:?}");
        assert_eq!(scope("openid+offline_access").unwrap().wants_offline_access(), known.has_code(), "{known:?}");
        // Switched off by the deployment.
        let off = Context { response_types: &[], ..context() };
        assert_eq!(error(judge_in(&asked, &hybrid(), off)).code(), ErrorCode::UnsupportedResponseType);
    }
}

#[test]
fn a_request_comes_as_client_and_deployment_want_it() {
    let (pushed, signed) = (Some(crate::id::PushedRequestId::from_uuid(uuid::Uuid::nil())), true);
    let came = |pushed, signed| Context { arrival: Arrival { pushed, signed }, ..context() };
    let mut pushing = client();
    pushing.metadata.require_pushed_authorization_requests = true;
    let mut signing = client();
    signing.metadata.require_signed_request_object = true;
    assert!(error(judge_in(GOOD, &pushing, came(None, signed))).description().starts_with("request_uri: "));
    assert!(error(judge_in(GOOD, &signing, came(pushed, false))).description().starts_with("request: "));
    assert_eq!(judge_in(GOOD, &pushing, came(pushed, false)).unwrap().pushed, pushed);
    assert!(judge_in(GOOD, &signing, came(None, signed)).is_ok());
    let everywhere = Context { pushed_only: true, ..context() };
    assert!(error(judge_in(GOOD, &client(), everywhere)).description().starts_with("request_uri: "));
    assert!(judge_in(GOOD, &client(), Context { pushed_only: true, ..came(pushed, false) }).is_ok());
}

#[test]
fn resources_are_those_that_the_client_registered() {
    let resources =
        |more: &str| judge_with(&format!("{GOOD}{more}"), &hybrid(), Hint::Absent).map(|good| good.resource);
    assert_eq!(resources("").unwrap(), Vec::<String>::new());
    assert_eq!(resources("&resource=urn:b&resource=https://api.example").unwrap().len(), 2);
    assert_eq!(
        error(judge_with(&format!("{GOOD}&resource=urn:b&resource=urn:c"), &hybrid(), Hint::Absent)).code(),
        ErrorCode::InvalidTarget
    );
}

#[test]
fn what_cannot_be_opened_is_told_to_the_client_only_where_the_way_back_is_known() {
    let refused = |query: &str, known: bool| {
        let raw = RawAuthorization::from(&Params::parse(query.as_bytes()).unwrap());
        let error = OAuthError::parameter(ErrorCode::InvalidRequestUri, "request_uri", "unknown");
        refuse(&raw, known.then(client).as_ref(), error, ISSUER)
    };
    match refused(&GOOD.replace("=code", "=id_token"), true) {
        Refusal::Client { response, .. } => {
            assert!(location(&response).starts_with("https://rp.example/cb#error=invalid_request_uri&"));
        }
        Refusal::Page(page) => panic!("{page}"),
    }
    assert!(matches!(refused("client_id=rp", true), Refusal::Page(PageError::Malformed(_))));
    assert!(matches!(
        refused("client_id=rp&redirect_uri=https://evil.example/", true),
        Refusal::Page(PageError::UnregisteredRedirectUri)
    ));
    assert!(matches!(refused(GOOD, false), Refusal::Page(PageError::UnknownClient)));
}

#[test]
fn scopes_that_can_be_granted() {
    let scope = |text: &str, client: &Client| {
        let query = GOOD.replace("openid+email", text);
        judge_with(&query, client, Hint::Absent).unwrap().scope.to_string()
    };
    let mut refreshing = client();
    refreshing.metadata.grant_types.push("refresh_token".to_owned());
    assert_eq!(scope("openid+nonsense+payments", &client()), "openid payments");
    assert_eq!(scope("openid+offline_access", &client()), "openid");
    assert_eq!(scope("openid+offline_access", &refreshing), "openid offline_access");
}

#[test]
fn the_claims_parameter_is_no_way_round_the_registered_scopes() {
    let query = GOOD.replace("openid+email", "openid");
    let claims = r#"{"userinfo":{"email":null,"phone_number":null,"acr":null},"id_token":{"name":null}}"#;
    let request = judge(&format!("{query}&claims={claims}")).unwrap();
    assert!(request.claims.in_userinfo("email") && request.claims.in_userinfo("acr"));
    assert!(!request.claims.in_userinfo("phone_number") && !request.claims.in_id_token("name"));
    assert_eq!(request.consent_items(), ["openid", "claim:email"]);
    let whole = judge(&format!("{GOOD}&claims={claims}")).unwrap();
    assert_eq!(whole.consent_items(), ["openid", "email"], "the scope has the claim already");
    let allowed = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    assert!(is_covered("claim:email", &allowed(&["openid", "email"])));
    assert!(!is_covered("email", &allowed(&["openid", "claim:email"])), "one claim is not its scope");
}

#[test]
fn what_the_client_registered_stands_in_for_what_it_does_not_say() {
    let mut client = client();
    client.metadata.default_max_age = Some(60);
    client.metadata.default_acr_values = vec!["c".to_owned()];
    let silent = judge_with(GOOD, &client, Hint::Absent).unwrap();
    assert_eq!((silent.max_age, silent.acr_values.as_slice()), (Some(60), ["c".to_owned()].as_slice()));
    let query = format!("{GOOD}&max_age=5&claims={{\"id_token\":{{\"acr\":{{\"essential\":true,\"value\":\"a\"}}}}}}");
    let spoken = judge_with(&query, &client, Hint::Absent).unwrap();
    assert_eq!((spoken.max_age, spoken.acr_values.len()), (Some(5), 0));
}

#[test]
fn hints_pin_a_person() {
    let alice = HintedSubject { person: ALICE.parse::<PersonId>().unwrap() };
    let asked = |person: &str| format!("{GOOD}&claims={{\"id_token\":{{\"sub\":{{\"value\":\"{person}\"}}}}}}");
    assert_eq!(judge_with(GOOD, &client(), Hint::Verified(alice)).unwrap().hinted_subject, Some(alice));
    assert_eq!(judge(&asked(ALICE)).unwrap().hinted_subject, Some(alice));
    assert!(judge_with(&asked(ALICE), &client(), Hint::Verified(alice)).is_ok());
    assert!(error(judge_with(&asked(BOB), &client(), Hint::Verified(alice))).description().starts_with("claims: sub"));
    assert!(error(judge_with(GOOD, &client(), Hint::Refused)).description().starts_with("id_token_hint: "));
}

#[test]
fn errors_travel_as_the_client_listens() {
    let response = |query: &str| match judge(query) {
        Err(Refusal::Client { response, .. }) => response,
        other => panic!("expected a refusal, not {other:?}"),
    };
    assert_eq!(
        location(&response(&format!("{GOOD}&max_age=x"))),
        "https://rp.example/cb?error=invalid_request&error_description=max_age%3A%20must%20be%20a%20whole%20number%20of\
         %20seconds%2C%20zero%20or%20more&state=s%201&iss=https%3A%2F%2Fop.example"
    );
    let fragment = location(&response(&GOOD.replace("=code", "=id_token+token")));
    assert!(fragment.starts_with("https://rp.example/cb#error=unauthorized_client&"), "{fragment}");
    assert!(location(&response(&format!("{GOOD}&max_age=x&response_mode=fragment"))).contains("/cb#error="));
    let posted = response(&format!("{GOOD}&max_age=x&response_mode=form_post"));
    match posted.delivery() {
        Delivery::FormPost { action, fields } => {
            assert_eq!(action, "https://rp.example/cb");
            assert!(fields.contains(&("state", "s 1".to_owned())) && fields.contains(&("iss", ISSUER.to_owned())));
        }
        Delivery::Location(location) => panic!("{location}"),
    }
}

#[test]
fn a_code_goes_only_where_the_client_still_listens() {
    let request = judge(&GOOD.replace("/cb", "/cb%3Ftenant=a").replace("&state=s%201", "")).unwrap();
    let code = SecretString::new("a b&c".to_owned());
    let answer = request.answer(&client(), code_only(&code), ISSUER).unwrap();
    assert_eq!(location(&answer), "https://rp.example/cb?tenant=a&code=a%20b%26c&iss=https%3A%2F%2Fop.example");
    assert!(!format!("{answer:?}").contains("a b&c"));

    let mut moved = client();
    moved.metadata.redirect_uris.pop();
    assert_eq!(request.answer(&moved, code_only(&code), ISSUER), Err(PageError::UnregisteredRedirectUri));
    let other = Client { id: "other".to_owned(), ..client() };
    assert_eq!(request.answer(&other, code_only(&code), ISSUER), Err(PageError::UnknownClient));
}

proptest! {
    /// Whatever the state holds, the answer stays at the registered URI and gives the state back as it was.
    #[test]
    fn state_comes_back_as_it_was_and_leads_nowhere_else(state in "[^\0]{1,80}", prompt in "[a-z ]{0,12}") {
        let encoded = form_urlencoded::Serializer::new(String::new())
            .append_pair("state", &state).append_pair("prompt", &prompt).finish();
        let request = judge(&format!("{}&{encoded}", GOOD.replace("&state=s%201", "")));
        let response = match request {
            Ok(request) => request.answer(&client(), code_only(&SecretString::new("c".to_owned())), ISSUER).unwrap(),
            Err(Refusal::Client { response, .. }) => response,
            Err(Refusal::Page(error)) => panic!("{error}"),
        };
        let location = location(&response);
        prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
        let url = url::Url::parse(&location).unwrap();
        prop_assert_eq!((url.host_str(), url.path(), url.fragment()), (Some("rp.example"), "/cb", None));
        let states: Vec<_> = url.query_pairs().filter(|(name, _)| name == "state").collect();
        prop_assert_eq!(states.len(), 1);
        prop_assert_eq!(states[0].1.as_ref(), state.as_str());
    }

    /// Whatever is asked, only a registered URI is answered.
    #[test]
    fn any_request_is_judged(tail in "[a-z/?=%@.#\\\\]{0,6}", rest in "[a-z_=&%0-9+]{0,60}") {
        let query = format!("client_id=rp&redirect_uri=https://rp.example/cb{tail}&{rest}");
        let Ok(params) = Params::parse(query.as_bytes()) else { return Ok(()) };
        let judged = validate(&RawAuthorization::from(&params), Some(&client()), &context());
        if let Err(Refusal::Client { response, .. }) = judged
            && let Delivery::Location(location) = response.delivery()
        {
            let (uri, _) = location.split_once("error=").unwrap();
            prop_assert!(["https://rp.example/cb?", "https://rp.example/cb#"].contains(&uri), "{}", location);
        }
    }
}
