//! The demo's stock of hardware tokens: some in the store room, and one on its way to somebody.

use stepgate_core::credentials::hardware_token::Algorithm;
use stepgate_core::credentials::hardware_token::import::Format;
use stepgate_core::credentials::hardware_token::inventory::TokenAct;
use stepgate_core::id::EventId;
use stepgate_store::{people, tokens};

use crate::audit::Event;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::acts::{self, Decision};
use crate::hardware_tokens::import::{Desk, Intent, read};

/// All have the demo's seed, as every demo token.
const FILE: &str = "HT-1001, 3132333435363738393031323334353637383930, totp, 6, 30
HT-1002, 3132333435363738393031323334353637383930, totp, 6, 30
HT-1003, 3132333435363738393031323334353637383930, hotp, 6
HT-1004, 3132333435363738393031323334353637383930, totp, 6, 30
";

/// Imports the stock as anybody would: one proposes, another approves; then one token goes to Oscar.
pub(super) async fn stock(cx: &Cx) -> Result<(), Fault> {
    let find = async |username: &str| people::find_person_by_login(&cx.app.db, username).await;
    let (Some(admin), Some(second), Some(oscar)) = (find("admin").await?, find("simon").await?, find("oscar").await?)
    else {
        return Ok(());
    };
    let desk = Desk { db: &cx.app.db, sealing: &cx.app.secrets.sealing, entropy: cx.entropy(), now: cx.now };
    let event = Box::new(stepgate_store::audit::NewEvent {
        id: EventId::random(cx.entropy()),
        at: cx.now,
        kind: Event::new("token.import.proposed").kind.to_owned(),
        actor: Some(admin.id),
        person: None,
        session: None,
        client: None,
        ip: None,
        data: serde_json::json!({ "name": "Opening stock" }),
    });
    let intent = Intent::Propose { by: admin.id, name: "Opening stock", event };
    let report = read(&desk, Format::OathCsv { algorithm: Algorithm::Sha1 }, FILE.as_bytes(), intent, &|_| {}).await?;
    let Some(batch) = report.batch else { return Ok(()) };
    acts::decide(cx, second.id, batch, Decision::Approve, "").await?;
    for (act, note) in [(TokenAct::Assign, "new on the site"), (TokenAct::Ship, "by post to 1 Girder Street")] {
        if let Some(token) = tokens::find_token_by_serial(&cx.app.db, "HT-1004").await? {
            acts::act(cx, admin.id, &token, act, (Some(&oscar), note)).await?;
        }
    }
    Ok(())
}
