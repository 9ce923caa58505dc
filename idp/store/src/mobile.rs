//! Mobile ID: enrolments, phones, requests.

mod challenges;
mod devices;
mod enrolments;
mod holds;

pub use challenges::{
    Answer, Caps, ChallengeState, MobileChallenge, answer_challenge, find_challenge, find_pending_challenge,
    insert_challenge, redeem_challenge, withdraw_approvals, withdraw_challenge,
};
pub use devices::{
    accept_step, activate_device, advance_sequence, clear_push, find_device, insert_device, list_devices, promote_keys,
    replace_verifier, revoke_device, set_next_keys, set_push, set_verifier, suspend_device, unbind_without_devices,
    update_device_label,
};
pub use enrolments::{
    Enrolment, confirm_enrolment, find_enrolment_of_session, insert_enrolment, reserve_confirm_try,
    set_enrolled_device, take_enrolment,
};
pub use holds::{delete_hold, find_hold, insert_hold};
