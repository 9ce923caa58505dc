//! The OpenID Foundation's provider plans, expressed anew as black-box tests: one test per module, under the module's
//! name with `_` for `-`, run for every response type and mode that its plans list, on SQLite and, where the services
//! are there, on PostgreSQL and Redis.
//!
//! A warning of the suite is a failure here. Where the suite shows a page to a person, the page's id is asserted.
//! Tokens are judged by `verify.rs`, which is written from the specifications and calls none of the provider's code.

mod client;
mod configuration;
mod dynamic;
mod happy;
mod logout;
mod objects;
mod plans;
mod prompts;
mod refusals;
mod suite;
mod verify;

use plans::{always, code_only, first, modules, with_code, with_id_token, with_token, without_id_token};

modules! {
    // Its name, the plans that list it, for which of their response types; what it does.
    oidcc_discovery_endpoint_verification "C D" always => configuration::discovery;
    oidcc_server "B I H D" always => happy::server;
    oidcc_server_client_secret_post "B H" first => happy::client_secret_post;
    oidcc_response_type_missing "B I H" always => refusals::response_type_missing;
    oidcc_idtoken_signature "B I H" always => happy::id_token_signature;
    oidcc_idtoken_rs256 "D" always => dynamic::id_token_rs256;
    oidcc_idtoken_unsigned "B D" code_only => dynamic::id_token_unsigned;
    oidcc_userinfo_get "B I H" with_token => happy::userinfo_get;
    oidcc_userinfo_post_header "B I H" with_token => happy::userinfo_post_header;
    oidcc_userinfo_post_body "B I H" with_token => happy::userinfo_post_body;
    oidcc_userinfo_rs256 "D" with_token => dynamic::userinfo_rs256;
    oidcc_ensure_request_without_nonce_succeeds_for_code_flow "B H" without_id_token => happy::no_nonce;
    oidcc_ensure_request_without_nonce_fails "I H" with_id_token => refusals::no_nonce;
    oidcc_scope_profile "B I H" always => happy::scope_profile;
    oidcc_scope_email "B I H" always => happy::scope_email;
    oidcc_scope_address "B I H" always => happy::scope_address;
    oidcc_scope_phone "B I H" always => happy::scope_phone;
    oidcc_scope_all "B I H" always => happy::scope_all;
    oidcc_alternate_happy_flow "B I H" plans::last_implicit_or_first => happy::alternate;
    oidcc_display_page "B I H" always => happy::display_page;
    oidcc_display_popup "B I H" always => happy::display_popup;
    oidcc_prompt_login "B I H" always => prompts::login;
    oidcc_prompt_none_not_logged_in "B I H" always => prompts::none_not_logged_in;
    oidcc_prompt_none_logged_in "B I H" always => prompts::none_logged_in;
    oidcc_max_age_1 "B I H" always => prompts::max_age_1;
    oidcc_max_age_10000 "B I H" always => prompts::max_age_10000;
    oidcc_ensure_request_with_unknown_parameter_succeeds "B I H" always => happy::unknown_parameter;
    oidcc_id_token_hint "B I H" always => prompts::id_token_hint;
    oidcc_login_hint "B I H" always => prompts::login_hint;
    oidcc_ui_locales "B I H" always => happy::ui_locales;
    oidcc_claims_locales "B I H" always => happy::claims_locales;
    oidcc_ensure_request_with_acr_values_succeeds "B I H" always => happy::acr_values;
    oidcc_codereuse "B H" with_code => refusals::code_reuse;
    oidcc_codereuse_30seconds "B H" with_code => refusals::code_reuse_30_seconds;
    oidcc_ensure_registered_redirect_uri "B I H" always => refusals::unregistered_redirect_uri;
    oidcc_ensure_post_request_succeeds "B" always => happy::post_request;
    oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported "B I H" always => objects::unsigned_by_reference;
    oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported "B I H" always => objects::unsigned_by_value;
    oidcc_claims_essential "B I H" always => happy::claims_essential;
    oidcc_ensure_request_object_with_redirect_uri "B I H D" always => objects::redirect_uri_inside;
    oidcc_refresh_token "B H D" with_code => happy::refresh_token;
    oidcc_ensure_request_with_valid_pkce_succeeds "B H" first => happy::pkce;
    oidcc_ensure_redirect_uri_in_authorization_request "D" always => dynamic::redirect_uri_left_out;
    oidcc_redirect_uri_query_ok "D" always => dynamic::redirect_uri_query;
    oidcc_redirect_uri_query_mismatch "D" always => dynamic::redirect_uri_query_mismatch;
    oidcc_redirect_uri_query_added "D" always => dynamic::redirect_uri_query_added;
    oidcc_redirect_uri_regfrag "D" always => dynamic::redirect_uri_fragment;
    oidcc_registration_logo_uri "D" always => dynamic::logo_uri;
    oidcc_registration_policy_uri "D" always => dynamic::policy_uri;
    oidcc_registration_tos_uri "D" always => dynamic::tos_uri;
    oidcc_registration_jwks_uri "D" always => dynamic::jwks_uri;
    oidcc_registration_sector_uri "D" always => dynamic::sector_uri;
    oidcc_registration_sector_bad "D" always => dynamic::sector_bad;
    oidcc_server_rotate_keys "D" always => dynamic::rotate_keys;
    oidcc_refresh_token_rp_key_rotation "D" with_code => dynamic::client_key_rotation;
    oidcc_request_uri_unsigned "D" always => objects::unsigned_by_reference;
    oidcc_request_uri_signed_rs256 "D" always => objects::signed_by_reference;
    oidcc_ensure_client_assertion_with_iss_aud_succeeds "D" with_code => dynamic::assertion_for_the_issuer;
    oidcc_rp_initiated_logout_discovery_endpoint_verification "R" always => logout::discovery;
    oidcc_rp_initiated_logout "R" always => logout::initiated;
    oidcc_rp_initiated_logout_bad_post_logout_redirect_uri "R" always => logout::bad_redirect;
    oidcc_rp_initiated_logout_modified_id_token_hint "R" always => logout::modified_hint;
    oidcc_rp_initiated_logout_no_id_token_hint "R" always => logout::no_hint;
    oidcc_rp_initiated_logout_no_params "R" always => logout::no_parameters;
    oidcc_rp_initiated_logout_no_post_logout_redirect_uri "R" always => logout::no_redirect;
    oidcc_rp_initiated_logout_no_state "R" always => logout::no_state;
    oidcc_rp_initiated_logout_only_state "R" always => logout::only_state;
    oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri "R" always => logout::query_added;
    oidcc_rp_initiated_logout_bad_id_token_hint "R" always => logout::bad_hint;
    oidcc_session_management_discovery_endpoint_verification "S" always => logout::session_discovery;
    oidcc_session_management_rp_initiated_logout "S" always => logout::session;
    oidcc_frontchannel_logout_discovery_endpoint_verification "F" always => logout::front_channel_discovery;
    oidcc_frontchannel_rp_initiated_logout "F" always => logout::front_channel;
    oidcc_backchannel_logout_discovery_endpoint_verification "K" always => logout::back_channel_discovery;
    oidcc_backchannel_rp_initiated_logout "K" always => logout::back_channel;
    oidcc_3rd_party_init_login "3" always => logout::third_party;
    oidcc_3rd_party_init_login_nohttps "3" always => logout::third_party_without_https;
}
