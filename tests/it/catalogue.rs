//! The catalogue: two who change it at the same time, and the ways that lead straight to one product.

use stepgate_tests::{Backend, World, on_each_backend};

use crate::license_keys::at;
use crate::shop::{add, buy, logged_in};

#[tokio::test]
async fn of_two_who_save_one_product_the_second_sees_what_the_first_saved_and_loses_nothing() {
    on_each_backend(|world| async move {
        let (mut fiona, mut admin) = (logged_in(&world, "fiona").await, logged_in(&world, "admin").await);
        for page in [&mut fiona, &mut admin] {
            page.open("/admin/catalogue/mobile-id").await;
        }
        let saved = async || world.texts("SELECT data AS found FROM catalogue_overrides").await.join(" ");
        fiona.submit(&[("price", "31.50"), ("renewal_price", "30.00"), ("partners", ""), ("withdrawn", "")]).await;
        assert_eq!(fiona.page.name(), "admin-catalogue", "{}", fiona.page.words());
        let mine =
            [("price", "29.00"), ("renewal_price", "30.00"), ("partners", "Iron Works Inc."), ("withdrawn", "1")];
        admin.submit(&mine).await;
        assert_eq!((admin.page.name(), admin.page.status.as_u16()), ("admin-product", 409));
        let words = admin.page.words();
        for told in ["Somebody else saved this", "Saved meanwhile: “31.50”.", "Saved meanwhile: not ticked."] {
            assert!(words.contains(told), "{told}: {words}");
        }
        assert!(
            admin.page.text.contains("value=\"29.00\"") && admin.page.text.contains("Iron Works Inc."),
            "what was typed stays"
        );
        assert!(saved().await.contains("3150"), "and nothing was overwritten");
        admin.submit(&mine).await;
        assert_eq!(admin.page.name(), "admin-catalogue", "{}", admin.page.words());
        assert!(saved().await.contains("2900") && !saved().await.contains("3150"));
        // What is wrong by itself is told first, and saved once it is right.
        admin.open("/admin/catalogue/Tax").await;
        admin.submit(&[("tax_name", "VAT"), ("tax_basis_points", "x")]).await;
        assert_eq!(admin.page.status.as_u16(), 422);
        admin.submit(&[("tax_name", "VAT"), ("tax_basis_points", "1900")]).await;
        assert_eq!(admin.page.name(), "admin-catalogue", "{}", admin.page.words());
    })
    .await;
}

#[tokio::test]
async fn what_is_over_leads_to_the_same_again_and_upgrade_to_proofing() {
    let world = World::start(Backend::Sqlite).await;
    // Frank's international number ended more than a year ago.
    let long_ago = (stepgate_tests::now() - 500 * 86_400) * 1000;
    world.tamper(&format!("UPDATE credentials SET expires_at = {long_ago} WHERE kind = 'phone_otp' AND product = 'phone-otp-international'")).await;
    let franks = "SELECT COUNT(*) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                  WHERE p.username = 'frank' AND c.kind = 'phone_otp'";
    assert_eq!(world.count(franks).await, 1);
    world
        .tamper(&format!(
            "UPDATE credentials SET expires_at = {long_ago}, product = 'phone-otp-international' WHERE kind = 'phone_otp'
             AND person_id = (SELECT id FROM persons WHERE username = 'frank')"
        ))
        .await;
    let mut frank = at(&world, "frank", "/account/otp").await;
    let link = frank.page.text.split("href=\"").find(|rest| rest.starts_with("/account/otp/get?again=")).unwrap();
    let link = link.split('"').next().unwrap().to_owned();
    let page = frank.open(&link).await;
    let words = page.words();
    let place = |text: &str| words.find(text).unwrap_or_else(|| panic!("{text}: {words}"));
    assert!(place("The same again") < place("Phone OTP, international"), "{words}");
    assert!(place("Phone OTP, international") < place("Other products"), "{words}");
    assert_eq!(page.text.matches("id=\"product-phone-otp-international\"").count(), 1);
    let card = page.text.split("id=\"product-phone-otp-international\"").nth(1).unwrap().split("</li>").next().unwrap();
    assert!(card.contains("name=\"for\" value=\"me\"") && !card.contains("<select"), "one button: {card}");
    frank.submit_with("/cart/add", &[("product", "phone-otp-international"), ("for", "me"), ("quantity", "1")]).await;
    assert_eq!(frank.page.name(), "cart", "no renewal is offered any more: {}", frank.page.words());
    buy(&mut frank, "pay").await;
    // Withdrawn: what is nearest.
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open("/admin/catalogue/phone-otp-international").await;
    fiona.submit(&[("price", "48.00"), ("renewal_price", "48.00"), ("partners", ""), ("withdrawn", "1")]).await;
    let words = frank.open(&link).await.words();
    assert!(!words.contains("The same again") || words.contains("with identity proofing"), "{words}");
    // Upgrade: the product while it is sold and there is something to get; else where proofing stands.
    let mut bob = at(&world, "bob", "/account/otp").await;
    assert!(bob.page.text.contains("href=\"/account/otp/get?upgrade=1\""), "{}", bob.page.words());
    let words = bob.open("/account/otp/get?upgrade=1").await.words();
    assert!(words.contains("Identity proofing for what you hold"), "{words}");
    let upgrade = bob.page.text.split("id=\"product-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    bob.submit_with("/cart/add", &[("product", &upgrade), ("for", "me"), ("quantity", "1")]).await;
    buy(&mut bob, "pay").await;
    fiona.open(&format!("/admin/catalogue/{upgrade}")).await;
    fiona.submit(&[("price", "30.00"), ("partners", ""), ("withdrawn", "1")]).await;
    bob.open("/account/otp/get?upgrade=1").await;
    assert_eq!(bob.page.name(), "proofing", "{}", bob.page.words());
}

#[tokio::test]
async fn what_the_application_accepts_comes_first_and_the_order_leads_back_to_it() {
    let world = World::start(Backend::Sqlite).await;
    let rp = world.relying_party().await;
    let (mut alice, started) = (world.browser(), rp.start(&[("acr_values", "urn:stepgate:acr:mobile-id")]));
    alice.open(&started.url).await;
    alice.log_in("alice").await;
    assert_eq!(alice.page.name(), "requirements-not-met");
    alice.open("/account/otp/get").await;
    let words = alice.page.words();
    let place = |text: &str| words.find(text).unwrap_or_else(|| panic!("{text}: {words}"));
    assert!(place("A client on this machine accepts") < place("Mobile ID Approve on your phone"), "{words}");
    assert!(place("Not accepted there") < place("Phone OTP, domestic"), "{words}");
    assert!(words.contains("does not accept it"), "{words}");
    assert!(alice.page.has("add-phone-otp-domestic") && alice.page.has("add-mobile-id"));
    add(&mut alice, "mobile-id", "1", "me").await;
    buy(&mut alice, "pay").await;
    assert!(alice.page.words().contains("Go on to A client on this machine"), "{}", alice.page.words());
    // Finance withdraws it, and sells another for more: at once, everywhere.
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open("/admin/catalogue/mobile-id").await;
    fiona.submit(&[("price", "31.50"), ("renewal_price", "30.00"), ("partners", ""), ("withdrawn", "")]).await;
    assert!(alice.open("/account/otp/get").await.words().contains("31.50 USD a year"), "{}", alice.page.words());
    fiona.open("/admin/catalogue/mobile-id").await;
    fiona.submit(&[("price", "31.50"), ("renewal_price", "30.00"), ("partners", ""), ("withdrawn", "1")]).await;
    assert!(!alice.open("/account/otp/get").await.has("add-mobile-id"));
    fiona.open("/admin/catalogue/bundle").await;
    let only = [("price", "1.00"), ("renewal_price", "1.00"), ("partners", "Iron Works Inc."), ("withdrawn", "")];
    fiona.submit(&only).await;
    // The people of a partner of another name are none of its people.
    world.tamper("UPDATE partners SET name = 'Ironworks'").await;
    assert!(!alice.open("/account/otp/get").await.text.contains("product-bundle\""));
}

#[tokio::test]
async fn what_is_changed_about_a_product_counts_for_renewals_and_partners_are_those_who_are() {
    on_each_backend(|world| async move {
        let mut fiona = logged_in(&world, "fiona").await;
        let mut frank = logged_in(&world, "frank").await;
        frank.open("/account/otp").await;
        assert_ne!(renew_button(&frank.page.text), "", "{}", frank.page.words());
        for product in ["phone-otp-international", "phone-otp-domestic"] {
            fiona.open(&format!("/admin/catalogue/{product}")).await;
            fiona.submit(&[("price", "48.00"), ("renewal_price", "48.00"), ("partners", ""), ("withdrawn", "1")]).await;
            assert!(fiona.page.words().contains("Saved."), "{}", fiona.page.words());
        }
        let page = frank.open("/account/otp").await;
        assert_eq!(
            renew_button(&page.text),
            "",
            "nothing is sold any more that it could be renewed as: {}",
            page.words()
        );

        // A slip of the pen would hide it from everybody.
        fiona.open("/admin/catalogue/mobile-id").await;
        let prices = [("price", "30.00"), ("renewal_price", "30.00"), ("withdrawn", "")];
        fiona.submit(&[&prices[..], &[("partners", "Iron Wroks Inc.")]].concat()).await;
        assert_eq!(fiona.page.status.as_u16(), 422);
        assert!(fiona.page.words().contains("There is no partner called Iron Wroks Inc."), "{}", fiona.page.words());
        fiona.submit(&[&prices[..], &[("partners", "Iron Works Inc.")]].concat()).await;
        assert!(fiona.page.words().contains("Saved."), "{}", fiona.page.words());
        // An organization of a partner's name is no partner.
        world.tamper("UPDATE organizations SET name = 'Iron Works Inc.'").await;
        for (username, offered) in [("petra", true), ("oscar", false)] {
            let mut browser = logged_in(&world, username).await;
            let page = browser.open("/admin/invitations/new").await;
            assert_eq!(page.text.contains("value=\"mobile-id\""), offered, "{username}: {}", page.words());
            assert!(page.text.contains("value=\"security-key\""), "{username}: {}", page.words());
        }
        fiona.open("/admin/catalogue/Tax").await;
        fiona.submit(&[("tax_name", "VAT"), ("tax_basis_points", "0")]).await;
        assert!(fiona.page.words().contains("Saved."), "{}", fiona.page.words());
        // What the configuration names wrongly is shown.
        world.tamper("UPDATE partners SET name = 'Ironworks'").await;
        let words = fiona.open("/admin/catalogue").await.words();
        assert!(words.contains("There is no partner Iron Works Inc."), "{words}");
    })
    .await;
}

/// The id of the button that renews; empty where there is none.
fn renew_button(text: &str) -> String {
    let id = text.split("id=\"renew-").nth(1).and_then(|rest| rest.split('"').next());
    id.map_or_else(String::new, |id| format!("renew-{id}"))
}

#[tokio::test]
async fn a_price_of_zero_is_asked_about_and_only_what_was_changed_is_kept() {
    on_each_backend(|world| async move {
        let kept = async || world.texts("SELECT data AS found FROM catalogue_overrides").await;
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open("/admin/catalogue/mobile-id").await;
        let zero = [("price", "0.00"), ("renewal_price", "30.00"), ("partners", "")];
        fiona.submit(&zero).await;
        assert_eq!(fiona.page.status.as_u16(), 422, "{}", fiona.page.words());
        assert!(fiona.page.words().contains("The first year is priced at zero"), "{}", fiona.page.words());
        assert!(kept().await.is_empty() && fiona.page.text.contains("value=\"0.00\""));
        let meant: Vec<_> = zero.into_iter().chain([("free", "1")]).collect();
        fiona.submit(&meant).await;
        assert!(fiona.page.words().contains("Saved."), "{}", fiona.page.words());
        assert_eq!(kept().await, ["{\"price\":0}"], "the rest is as the configuration has it, now and later");
        // What costs nothing already is not asked about again; what is as configured is not kept any more.
        fiona.open("/admin/catalogue/mobile-id").await;
        fiona.submit(&[("price", "0.00"), ("renewal_price", "31.00"), ("partners", "")]).await;
        assert_eq!(kept().await, ["{\"price\":0,\"renewal_price\":3100}"], "{}", fiona.page.words());
        fiona.open("/admin/catalogue/mobile-id").await;
        fiona.submit(&[("price", "30.00"), ("renewal_price", "30.00"), ("partners", "")]).await;
        assert_eq!(kept().await, ["{}"], "{}", fiona.page.words());
    })
    .await;
}
