//! The page that asks whether a device may.

use jiff::tz::TimeZone;
use stepgate_core::id::DeviceAuthorizationId;
use stepgate_core::oidc::Scopes;
use stepgate_store::devices;

use super::super::consent;
use super::Scene;
use crate::cx::Cx;
use crate::http::page::PageFailure;
use crate::pages::device::DeviceConfirmPage;
use crate::pages::login::Flow;
use crate::pages::{Layout, When};

pub(super) async fn confirm(
    cx: &Cx,
    scene: &Scene,
    flow: Flow,
    (device, asked): (DeviceAuthorizationId, &Scopes),
) -> Result<DeviceConfirmPage, PageFailure> {
    let found = devices::find_device(&cx.app.db, device).await?.ok_or(PageFailure::InteractionGone)?;
    let username = scene.person().map(|person| person.username.to_string()).unwrap_or_default();
    Ok(DeviceConfirmPage {
        layout: Layout::plain("Connect a device", cx.app.demo),
        flow,
        username,
        place: found.ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_canonical().to_string()),
        same_place: found.ip.is_some() && found.ip == cx.ip,
        asked: When::new(found.created_at, cx.now, &TimeZone::UTC),
        scopes: asked.iter().map(|scope| consent::view(scene, scope)).collect(),
    })
}
