//! Nodes are killed, by SIGKILL, between every two steps of buying and of giving back. The database holds the statement
//! of the next step until they are dead (`tests/src/hold.rs`), or the card provider its answer. Whoever comes then,
//! the buyer who presses the button again, the provider that tells again, or nobody but the sweep: one order, its keys
//! once, charged once, nothing lost and nothing free.

use stepgate_tests::{Backend, Browser, Checkout, WEBHOOK_SECRET, World, now};

use crate::shop::{add, checkout_fields, keys, logged_in};

const OSCAR: &str = "oscar@iron-builders.example";
const PAID: &str = "checkout.session.completed";

/// Where a node dies: the statement, its table, and which rows.
type Place = (&'static str, &'static str, &'static str);

const ORDER: Place = ("INSERT", "orders", "1 = 1");
const MADE_PAID: Place = ("UPDATE OF stage", "orders", "NEW.stage = 'paid'");
const KEYS: Place = ("INSERT", "license_keys", "1 = 1");
const MAIL: Place = ("INSERT", "outbox", "NEW.kind = 'mail'");

/// A world whose clock goes on where it was when its nodes died: a demo's clock begins anew with its process.
struct Shop {
    world: World,
    stripe: Checkout,
    passed: u64,
}

impl Shop {
    async fn each() -> Vec<Self> {
        let mut backends = vec![Backend::Sqlite];
        if std::env::var("STEPGATE_TEST_POSTGRES").is_ok() {
            backends.push(Backend::PostgresRedis);
        }
        let mut shops = Vec::new();
        for backend in backends {
            let stripe = Checkout::start().await;
            shops.push(Self { world: World::start_with(backend, &stripe.settings()).await, stripe, passed: 0 });
        }
        shops
    }

    /// Sends a request in the midst of which all nodes die.
    async fn crash(&self, (statement, table, such): Place, request: reqwest::RequestBuilder) {
        let hold = self.world.hold(statement, table, such).await;
        let sent = tokio::spawn(async move { request.send().await.map(drop) });
        self.world.crash_in(hold).await;
        let _ = sent.await;
        self.world.advance(self.passed).await;
    }

    /// The same while the card provider keeps an answer, or a question, to itself.
    async fn crash_at_stripe(&self, call: &'static str, request: reqwest::RequestBuilder) {
        self.stripe.holds(Some(call));
        let sent = tokio::spawn(async move { request.send().await.map(drop) });
        self.world.until("Stripe is asked", async || self.stripe.waiting() > 0).await;
        for node in 0..self.world.nodes() {
            self.world.kill_node(node);
        }
        self.stripe.holds(None);
        let _ = sent.await;
        for node in (0..self.world.nodes()).rev() {
            self.world.start_node(node).await;
        }
        self.world.advance(self.passed).await;
    }

    /// Nobody comes; time goes by.
    async fn wait(&mut self, seconds: u64) {
        self.passed += seconds;
        self.world.advance(seconds).await;
    }

    async fn orders(&self) -> i64 {
        self.world.count("SELECT COUNT(*) AS found FROM orders").await
    }

    async fn keys(&self) -> i64 {
        keys(&self.world, "unredeemed").await
    }

    /// What is left of the voucher, and of the account.
    async fn left(&self) -> (i64, i64) {
        let uses = self.world.count("SELECT remaining AS found FROM vouchers WHERE note = 'crashes'").await;
        let account = "SELECT most - used AS found FROM sponsor_accounts WHERE kind = 'organization'";
        (uses, self.world.count(account).await)
    }

    async fn stage(&self, number: &str) -> String {
        self.world.texts(&format!("SELECT stage AS found FROM orders WHERE number = '{number}'")).await.remove(0)
    }

    /// Finance makes a voucher, and fills the account of Oscar's organization: letters and name of them.
    async fn open_accounts(&self, oscar: &mut Browser) -> (String, String) {
        add(oscar, "mobile-id", "1", "later").await;
        oscar.open("/checkout").await;
        let sponsor = oscar.page.text.split("value=\"organization:").nth(1).unwrap().split('"').next().unwrap();
        let sponsor = format!("organization:{sponsor}");
        oscar.open("/cart").await;
        oscar.submit(&[("q0", "0")]).await;
        let mut fiona = logged_in(&self.world, "fiona").await;
        fiona.open("/admin/sponsors").await;
        fiona.submit(&[("most", "5000.00"), ("sponsor", &sponsor)]).await;
        fiona.open("/admin/vouchers").await;
        let fields = [("uses", "100"), ("note", "crashes"), ("days", "30"), ("product", ""), ("sponsor", "")];
        fiona.submit(&fields).await;
        let code = fiona.page.text.split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        (code, sponsor)
    }
}

/// Fills a cart and the checkout; the press of its button, which can be sent more than once.
async fn press(oscar: &mut Browser, quantity: &str, more: &[(&str, &str)]) -> reqwest::RequestBuilder {
    add(oscar, "mobile-id", quantity, "later").await;
    oscar.open("/checkout").await;
    assert_eq!(oscar.page.name(), "checkout", "{}", oscar.page.words());
    let fields = checkout_fields(oscar, more);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    oscar.prepared(&fields)
}

/// Presses the button again; where that leads.
async fn again(press: &reqwest::RequestBuilder) -> String {
    let answer = press.try_clone().unwrap().send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

fn number_in(location: &str) -> String {
    location.split("/orders/").nth(1).unwrap_or_else(|| panic!("{location}")).split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_pays_at_once_is_charged_once_and_its_keys_are_made_once() {
    for mut shop in Shop::each().await {
        let mut oscar = logged_in(&shop.world, "oscar").await;
        let (voucher, sponsor) = shop.open_accounts(&mut oscar).await;
        let ways: [(&[(&str, &str)], &'static str); 2] = [
            (&[("method", "voucher"), ("voucher", &voucher)], "vouchers"),
            (&[("method", "sponsored"), ("sponsor", &sponsor)], "sponsor_accounts"),
        ];
        for (way, account) in ways {
            // Before the charge is kept nothing is; afterwards order and charge are, and the keys come.
            let places =
                [(ORDER, false), (("UPDATE", account, "1 = 1"), false), (MADE_PAID, true), (KEYS, true), (MAIL, true)];
            for (turn, (place, charged)) in places.into_iter().enumerate() {
                let told = format!("{account} {place:?} on {:?}", shop.world.backend);
                let before = (shop.orders().await, shop.keys().await, shop.left().await);
                let press = press(&mut oscar, "2", way).await;
                shop.crash(place, press.try_clone().unwrap()).await;
                assert_eq!(shop.orders().await, before.0 + i64::from(charged), "{told}");
                assert_eq!((shop.left().await != before.2, shop.keys().await), (charged, before.1), "{told}");
                if charged && turn % 2 == 0 {
                    shop.wait(60).await;
                    shop.world.until("the sweep finds it", async || shop.keys().await == before.1 + 2).await;
                }
                for _ in 0..2 {
                    let number = number_in(&again(&press).await);
                    assert_eq!((shop.orders().await, shop.keys().await), (before.0 + 1, before.1 + 2), "{told}");
                    assert_eq!(shop.stage(&number).await, "paid", "{told}");
                    shop.world.until("its receipt came", async || shop.world.mails(OSCAR, &number).await == 1).await;
                }
                let spent = match account {
                    "vouchers" => (2, 0),
                    _ => (0, 6000),
                };
                assert_eq!(shop.left().await, (before.2.0 - spent.0, before.2.1 - spent.1), "{told}");
            }
            gives_back(&mut shop, &mut oscar, account, way).await;
        }
    }
}

/// What was charged goes back in one transaction: whole, or not at all.
async fn gives_back(shop: &mut Shop, oscar: &mut Browser, account: &'static str, way: &[(&str, &str)]) {
    let untouched = shop.left().await;
    for place in [("UPDATE", account, "1 = 1"), ("UPDATE OF stage", "orders", "NEW.stage = 'refunded'"), MAIL] {
        let told = format!("{account} back {place:?} on {:?}", shop.world.backend);
        let number = number_in(&again(&press(oscar, "2", way).await).await);
        let before = (shop.keys().await, shop.left().await);
        oscar.open(&format!("/orders/{number}")).await;
        let give_back = oscar.prepared_to(&format!("/orders/{number}/refund"));
        shop.crash(place, give_back.try_clone().unwrap()).await;
        assert_eq!((shop.stage(&number).await.as_str(), shop.keys().await), ("paid", before.0), "{told}");
        assert_eq!(shop.left().await, before.1, "{told}");
        for _ in 0..2 {
            give_back.try_clone().unwrap().send().await.unwrap();
            assert_eq!((shop.stage(&number).await.as_str(), shop.keys().await), ("refunded", before.0 - 2), "{told}");
            assert_eq!(shop.left().await, untouched, "{told}");
        }
    }
}

/// A message of Stripe's, ready to be sent to a node.
fn message(shop: &Shop, event: &str, session: &str) -> reqwest::RequestBuilder {
    let body = shop.stripe.event(event, PAID, session);
    let node = shop.world.node(0);
    let request = reqwest::Client::new().post(format!("{node}/callbacks/stripe"));
    let at = now() + i64::try_from(shop.passed).unwrap();
    request.header("stripe-signature", Checkout::sign(WEBHOOK_SECRET, at, &body)).body(body)
}

#[tokio::test]
async fn an_order_by_card_has_one_page_and_its_keys_once() {
    for mut shop in Shop::each().await {
        let mut oscar = logged_in(&shop.world, "oscar").await;
        let sessions = || shop.stripe.sessions().len();
        // Before the order is kept; before Stripe hears of it; before its page is noted.
        for (turn, place) in [Some(ORDER), None, Some(("UPDATE OF checkout_id", "orders", "1 = 1"))].iter().enumerate()
        {
            let (before, press) = ((shop.orders().await, sessions()), press(&mut oscar, "1", &[]).await);
            match place {
                Some(place) => shop.crash(*place, press.try_clone().unwrap()).await,
                None => shop.crash_at_stripe("begin unseen", press.try_clone().unwrap()).await,
            }
            assert_eq!(shop.orders().await, before.0 + i64::from(turn > 0), "{place:?}");
            let (first, second) = (again(&press).await, again(&press).await);
            assert_eq!((&first, shop.orders().await, sessions()), (&second, before.0 + 1, before.1 + 1), "{place:?}");
            assert!(first.contains("/pay/cs_test_"), "{first}");
        }
        assert_eq!(shop.keys().await, 0);
        // It is paid. Before the payment is noted; before the order counts as paid; in the midst of its keys; before its
        // mail; before the message counts as heard.
        let noted = ("UPDATE OF payment_id", "orders", "1 = 1");
        let heard = ("INSERT", "payment_events", "1 = 1");
        for (turn, place) in [noted, MADE_PAID, KEYS, MAIL, heard].into_iter().enumerate() {
            let told = format!("{place:?} on {:?}", shop.world.backend);
            let press = press(&mut oscar, "2", &[]).await;
            let page = again(&press).await;
            let session = page.rsplit('/').next().unwrap().to_owned();
            let number = format!("SELECT number AS found FROM orders WHERE checkout_id = '{session}'");
            let number = shop.world.texts(&number).await.remove(0);
            let before = shop.keys().await;
            shop.stripe.pay(&session, None);
            shop.crash(place, message(&shop, &format!("evt_{turn}"), &session)).await;
            let made = if place == heard { 2 } else { 0 };
            assert_eq!(shop.keys().await, before + made, "{told}");
            match turn % 3 {
                0 => drop(oscar.open(&format!("/orders/{number}/return")).await),
                1 => {
                    shop.wait(400).await;
                    shop.world.until("the sweep looks", async || shop.keys().await == before + 2).await;
                }
                _ => {}
            }
            for _ in 0..2 {
                let status = message(&shop, &format!("evt_{turn}"), &session).send().await.unwrap().status();
                assert_eq!((status.as_u16(), shop.keys().await), (200, before + 2), "{told}");
            }
            assert_eq!(shop.stage(&number).await, "paid", "{told}");
            shop.world.until("its receipt came", async || shop.world.mails(OSCAR, &number).await >= 1).await;
            let paid = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'order.paid'";
            assert_eq!(shop.world.count(paid).await, i64::try_from(turn).unwrap() + 1, "{told}");
        }
    }
}

#[tokio::test]
async fn money_goes_back_by_card_once() {
    for mut shop in Shop::each().await {
        let mut oscar = logged_in(&shop.world, "oscar").await;
        let refund = ("INSERT", "outbox", "NEW.kind = 'refund'");
        let noted = ("UPDATE OF refund_id", "orders", "1 = 1");
        let refunded = ("UPDATE OF stage", "orders", "NEW.stage = 'refunded'");
        let done = ("UPDATE OF done_at", "outbox", "NEW.kind = 'refund'");
        let void = ("UPDATE", "license_keys", "NEW.stage = 'void'");
        // Asked for in one transaction; then a worker asks Stripe, notes what it was called, and that it is done.
        let places = [Some(void), Some(refund), Some(MAIL), None, Some(noted), Some(refunded), Some(done)];
        for (turn, place) in places.into_iter().enumerate() {
            let told = format!("{place:?} on {:?}", shop.world.backend);
            let page = again(&press(&mut oscar, "1", &[]).await).await;
            let session = page.rsplit('/').next().unwrap().to_owned();
            shop.stripe.pay(&session, None);
            let sent = message(&shop, &format!("evt_back_{turn}"), &session).send().await.unwrap();
            assert!(sent.status().is_success(), "{told}");
            let number = format!("SELECT number AS found FROM orders WHERE checkout_id = '{session}'");
            let number = shop.world.texts(&number).await.remove(0);
            oscar.open(&format!("/orders/{number}")).await;
            let give_back = oscar.prepared_to(&format!("/orders/{number}/refund"));
            match place {
                Some(place) => shop.crash(place, give_back.try_clone().unwrap()).await,
                None => shop.crash_at_stripe("refund unseen", give_back.try_clone().unwrap()).await,
            }
            let asked = turn > 2;
            assert_eq!(shop.stage(&number).await == "paid", !asked, "{told}");
            if !asked {
                assert_eq!(shop.keys().await, 1, "{told}");
                give_back.try_clone().unwrap().send().await.unwrap();
            }
            shop.wait(60).await;
            let back = async || shop.stage(&number).await == "refunded" && shop.stripe.refunds().len() == turn + 1;
            shop.world.until("it is back", back).await;
            assert_eq!(shop.keys().await, 0, "{told}");
            let waiting = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'refund' AND done_at IS NULL";
            shop.world.until("nothing more is owed", async || shop.world.count(waiting).await == 0).await;
            assert_eq!(shop.stripe.refunds().len(), turn + 1, "{told}");
        }
    }
}

#[tokio::test]
async fn a_mail_goes_out_even_where_the_node_that_wrote_it_died() {
    for mut shop in Shop::each().await {
        let mut oscar = logged_in(&shop.world, "oscar").await;
        let (voucher, _) = shop.open_accounts(&mut oscar).await;
        let way = [("method", "voucher"), ("voucher", voucher.as_str())];
        // Before it is taken up: it comes once. Between its way and its note: at least once.
        let taken = ("UPDATE OF attempts", "outbox", "NEW.kind = 'mail'");
        let noted = ("UPDATE OF done_at", "outbox", "NEW.kind = 'mail'");
        for (place, came) in [(taken, 0), (noted, 1)] {
            let press = press(&mut oscar, "1", &way).await;
            let waiting = "SELECT COUNT(*) AS found FROM outbox WHERE done_at IS NULL AND failed_at IS NULL";
            shop.world.until("nothing else is to go out", async || shop.world.count(waiting).await == 0).await;
            let hold = shop.world.hold(place.0, place.1, place.2).await;
            let sent = tokio::spawn(async move { press.send().await.map(drop) });
            shop.world.until("a node is in the statement", async || hold.is_reached().await).await;
            let number = "SELECT number AS found FROM orders ORDER BY placed_at DESC LIMIT 1";
            let number = shop.world.texts(number).await.remove(0);
            assert_eq!(shop.world.mails(OSCAR, &number).await, came, "{place:?}");
            shop.world.crash_in(hold).await;
            let _ = sent.await;
            shop.world.advance(shop.passed).await;
            shop.wait(600).await;
            shop.world.until("it came", async || shop.world.mails(OSCAR, &number).await == 1).await;
        }
    }
}
