//! *It is broken*: asked for by whoever bought a token or has it, once for each, within its days; replaced or refused.

use std::sync::Arc;

use stepgate_tests::{Backend, World, on_each_backend};
use tokio::sync::Barrier;

use crate::hardware_tokens::{registration_code, shown};
use crate::parcels::{bought, parcel, use_key};
use crate::shop::logged_in;

async fn asked(world: &World, stage: &str) -> i64 {
    world.count(&format!("SELECT COUNT(*) AS found FROM warranty_requests WHERE stage = '{stage}'")).await
}

#[tokio::test]
async fn its_holder_says_that_a_token_is_broken_once_and_gets_another() {
    on_each_backend(|world| async move {
        let (mut alice, mut fiona, path) = bought(&world, "alice", "1", "me").await;
        use_key(&mut alice, &path).await;
        fiona.open(&path).await;
        fiona.submit(&parcel("HT-1001")).await;
        let code = registration_code(&world, "alice").await;
        alice.open("/account/otp/token").await;
        let (first, second) = (shown(0, 0), shown(1, 0));
        alice.submit(&[("serial", "HT-1001"), ("registration", &code), ("first", &first), ("second", &second)]).await;
        let card = alice.page.text.split("id=\"credential-").find(|card| card.contains("HT-1001")).unwrap().to_owned();
        let details = format!("/account/otp/{}", card.split('"').next().unwrap());
        let words = alice.open(&details).await.words();
        assert!(words.contains("Replaced if it breaks, until") && words.contains("It is broken"), "{words}");
        assert!(
            alice.submit(&[("reason", "  ")]).await.words().contains("say in a few words"),
            "{}",
            alice.page.words()
        );
        // Pressed on all nodes at one moment: asked once.
        alice.open(&details).await;
        let barrier = Arc::new(Barrier::new(6));
        let presses: Vec<_> = (0..6)
            .map(|_| {
                let (barrier, request) = (Arc::clone(&barrier), alice.prepared(&[("reason", "the display is dark")]));
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().headers()["location"].to_str().unwrap().ends_with("done=asked")
                })
            })
            .collect();
        let mut heard = 0;
        for press in presses {
            heard += usize::from(press.await.unwrap());
        }
        assert_eq!((heard, asked(&world, "asked").await), (1, 1));
        let words = alice.open(&details).await.words();
        assert!(words.contains("we look into it") && !words.contains("It is broken"), "{words}");
        // Finance finds it among what needs attention, even when the days are over meanwhile.
        world.advance(46 * 86_400).await;
        let mut fiona = logged_in(&world, "fiona").await;
        assert!(fiona.open("/admin/orders?attention=1").await.text.contains(&path), "{}", fiona.page.words());
        let words = fiona.open(&path).await.words();
        assert!(words.contains("HT-1001 Alice Archer (alice) the display is dark"), "{words}");
        let form = fiona.page.text.split("<form").find(|form| form.contains("id=\"replace-1\"")).unwrap().to_owned();
        let field = |name: &str| super::mobile_phones::between(&form, &format!("name=\"{name}\" value=\""), "\"");
        let (key, once) = (field("key"), field("form"));
        fiona.submit_with(&format!("{path}/replace"), &[("key", &key), ("form", &once)]).await;
        if !fiona.page.words().contains("The new token is ordered") {
            // A factor is asked for first; then the button is pressed once more.
            fiona.open(&path).await;
            fiona.submit_with(&format!("{path}/replace"), &[("key", &key), ("form", &once)]).await;
        }
        assert!(fiona.page.words().contains("It waits to be sent"), "{}", fiona.page.words());
        assert_eq!((asked(&world, "replaced").await, asked(&world, "asked").await), (1, 0));
        assert!(!fiona.open("/admin/orders?attention=1").await.text.contains(&path));
        assert!(fiona.open("/admin/orders/waiting").await.words().contains("Warranty"), "{}", fiona.page.words());
        // The next one breaks too, but its days are those of the first.
        let new = world.texts("SELECT number AS found FROM orders WHERE replaces IS NOT NULL").await.remove(0);
        let new = format!("/admin/orders/{new}");
        fiona.open(&new).await;
        fiona.submit(&parcel("HT-1002")).await;
        assert!(fiona.page.words().contains("Done."), "{}", fiona.page.words());
        let mut alice = logged_in(&world, "alice").await;
        let words = alice.open(&details).await.words();
        assert!(words.contains("HT-1002") && words.contains("The warranty ended on"), "{words}");
        assert!(!alice.page.text.contains("/account/otp/broken"));
    })
    .await;
}

#[tokio::test]
async fn a_purchaser_asks_for_what_was_handed_out_and_reads_why_it_is_not_replaced() {
    let world = World::start(Backend::Sqlite).await;
    let (mut alice, mut fiona, path) = bought(&world, "alice", "2", "later").await;
    let own = path.replace("/admin", "");
    assert!(!alice.open(&own).await.text.contains("/broken\""), "nothing was sent");
    fiona.open(&path).await;
    fiona.submit(&parcel("HT-1001, HT-1002")).await;
    alice.open(&own).await;
    assert!(alice.page.words().contains("HT-1002: Nobody yet"), "{}", alice.page.words());
    let select = alice.page.text.split("name=\"key\"").nth(1).unwrap().to_owned();
    let key = super::mobile_phones::between(&select, "<option value=\"", "\"");
    // Somebody else's order is as good as none, and so is another order's key.
    let mut bob = logged_in(&world, "bob").await;
    bob.open("/orders").await;
    let fields = [("key", key.as_str()), ("reason", "it is wet")];
    assert_eq!(bob.submit_with(&format!("{own}/broken"), &fields).await.status.as_u16(), 404);
    alice.submit(&fields).await;
    assert!(alice.page.words().contains("We look into it"), "{}", alice.page.words());
    alice.submit_with(&format!("{own}/broken"), &fields).await;
    assert_eq!(asked(&world, "asked").await, 1, "once for each token");
    fiona.open(&path).await;
    let refuse = format!("{path}/refuse");
    fiona.submit_with(&refuse, &[("key", &key), ("reason", "")]).await;
    assert!(fiona.page.words().contains("say why it is not replaced"), "{}", fiona.page.words());
    fiona.submit_with(&refuse, &[("key", &key), ("reason", "water is not covered")]).await;
    assert!(fiona.page.words().contains("Who asked was told why"), "{}", fiona.page.words());
    assert!(world.mail("alice@iron-builders.example", "is not replaced").await.contains("water is not covered"));
    let words = alice.open(&own).await.words();
    assert!(words.contains("Not replaced: water is not covered") && words.contains("HT-1002: Nobody yet"), "{words}");
    alice.submit_with(&format!("{own}/broken"), &fields).await;
    fiona.submit_with(&refuse, &[("key", &key), ("reason", "again")]).await;
    assert_eq!((asked(&world, "refused").await, asked(&world, "asked").await), (1, 0));
    world.advance(46 * 86_400).await;
    let mut alice = logged_in(&world, "alice").await;
    let words = alice.open(&own).await.words();
    assert!(words.contains("The warranty ended on") && !alice.page.has("broken-submit"), "{words}");
}
