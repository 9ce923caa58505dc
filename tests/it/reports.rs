//! Reports: the same figures on the page, in files, for programs and on the command line; to each role its own.

use serde_json::Value;
use stepgate_core::subscriptions::invitation::records;
use stepgate_tests::{World, on_each_backend};

use super::invitations::{invite, logged_in};
use super::shop::{add, buy};

async fn token(world: &World, client: &str, scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let request = reqwest::Client::new().post(format!("{}/token", world.issuer)).form(&form);
    let answer: Value =
        request.basic_auth(client, Some(format!("{client}-secret"))).send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn ask(world: &World, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = reqwest::Client::new().get(format!("{}/admin/api/reports/{path}", world.issuer));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn figures_are_the_same_everywhere_and_to_each_role_its_own() {
    on_each_backend(|world| async move {
        let (mut oscar, mut petra) = (logged_in(&world, "oscar").await, logged_in(&world, "petra").await);
        for name in ["one", "two"] {
            invite(&mut oscar, "organization", (&format!("{name}@x.example"), name)).await;
        }
        invite(&mut petra, "partner", ("three@x.example", "Three")).await;
        world.tamper("UPDATE license_keys SET stage = 'redeemed', redeemed_at = purchased_at WHERE holder_mail = 'one@x.example'").await;
        // The second one is withdrawn.
        oscar.open("/admin/invitations?q=two").await;
        let (_, rest) = oscar.page.text.split_once("<td data-label=\"Email\"><a href=\"").unwrap();
        let one = rest.split('"').next().unwrap().to_owned();
        oscar.open(&one).await;
        oscar.submit_with(&format!("{one}/do"), &[("act", "withdraw")]).await;

        let (status, sales) = ask(&world, "sales", Some(&token(&world, "demo-service", "reports").await)).await;
        assert_eq!(status, 200, "{sales}");
        assert_eq!(sales["products"][0], serde_json::json!({ "product": "mobile-id", "sold": 2, "renewed": 0, "activated": 1 }));
        let all = &sales["revenue"][0];
        assert_eq!((&all["currency"], &all["orders"], &all["gross_minor"], &all["refunded_minor"]), (&"USD".into(), &3.into(), &9000.into(), &3000.into()));
        assert_eq!(sales["partners"][0]["name"], "Iron Works Inc.");
        assert_eq!(sales["partners"][0]["gross_minor"], 3000);
        let (done, said) = world.operate(&["report", "sales", "--json"]);
        assert!(done, "{said}");
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), sales);
        // Told apart, for programs and on the command line.
        let asked = "sales?by=organization";
        let (_, apart) = ask(&world, asked, Some(&token(&world, "demo-service", "reports").await)).await;
        let whose = |it: &Value| (it["name"].as_str().unwrap().to_owned(), it["sold"].as_i64().unwrap());
        let counted: Vec<_> = apart["products"].as_array().unwrap().iter().map(whose).collect();
        assert!(counted.contains(&("Iron Builders LLC".to_owned(), 1)), "{apart}");
        let (done, said) = world.operate(&["report", "sales", "--by", "partner", "--json"]);
        assert!(done, "{said}");
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["products"], serde_json::json!([{ "name": "Iron Works Inc.", "product": "mobile-id", "sold": 1, "renewed": 0, "activated": 0 }]));
        let (done, said) = world.operate(&["report", "sales", "--by", "colour"]);
        assert!(!done && said.contains("--by: organization or partner"), "{said}");

        let words = oscar.open("/admin/reports").await.words();
        assert!(words.contains("USD 2 60.00 USD 0.00 USD 60.00 USD 30.00 USD"), "{words}");
        assert!(words.contains("Mobile ID 1 0 1") && !words.contains("Iron Works Inc."), "{words}");
        let words = oscar.open("/admin/reports?by=partner").await.words();
        assert!(!words.contains("Iron Works Inc.") && !words.contains("Mobile ID 1 0 1"), "no partner paid for them: {words}");
        let words = petra.open("/admin/reports").await.words();
        assert!(words.contains("USD 1 30.00 USD 0.00 USD 30.00 USD 0.00 USD") && words.contains("Iron Works Inc."), "{words}");
        let mut admin = logged_in(&world, "admin").await;
        let words = admin.open("/admin/reports").await.words();
        assert!(words.contains("USD 3 90.00 USD") && words.contains("Iron Builders LLC") && words.contains("Iron Works Inc."), "{words}");
        let file = admin.open("/admin/reports/revenue.csv").await.text.clone();
        let apart = admin.open("/admin/reports/products.csv?by=partner").await.text.clone();
        assert_eq!(apart, "partner,product,sold,renewed,activated\r\nIron Works Inc.,mobile-id,1,0,0\r\n");
        assert!(file.starts_with("by,name,currency,orders,") && file.contains("\r\nall,,USD,3,9000,0,9000,3000\r\n"), "{file}");
        assert_eq!(oscar.open("/admin/reports/products.csv").await.text, "product,sold,renewed,activated\r\nmobile-id,1,0,1\r\n");
        // Finance sees everything and invites nobody; who has no role sees nothing.
        world.tamper("INSERT INTO roles (person_id, role, place) SELECT id, 'finance', '' FROM persons WHERE username = 'alice'").await;
        let mut alice = logged_in(&world, "alice").await;
        assert!(alice.open("/admin/reports").await.words().contains("USD 3 90.00 USD"), "{}", alice.page.words());
        for path in ["/admin/invitations", "/admin/invitations/new", "/admin/invitations.csv"] {
            assert_eq!(alice.open(path).await.status.as_u16(), 403, "{path}");
        }
        let mut bob = logged_in(&world, "bob").await;
        for path in ["/admin/reports", "/admin/reports/revenue.csv", "/admin/invitations"] {
            assert_eq!(bob.open(path).await.status.as_u16(), 403, "{path}");
        }
        // Other days.
        let words = admin.open("/admin/reports?from=2020-01-01&to=2020-12-31").await.words();
        assert!(words.contains("Nothing in these days"), "{words}");
        for days in ["from=yesterday", "from=2026-02-30", "from=2027-01-01&to=2026-01-01", "to=%27%3B--"] {
            assert_eq!(admin.open(&format!("/admin/reports?{days}")).await.status.as_u16(), 422, "{days}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_ends_and_what_has_lapsed_is_counted() {
    on_each_backend(|world| async move {
        let token = token(&world, "demo-service", "reports").await;
        let (_, found) = ask(&world, "expiring", Some(&token)).await;
        let phone = found["products"].as_array().unwrap().iter().find(|it| it["product"] == "phone_otp").unwrap();
        assert_eq!((&phone["lapsed"], &phone["within_90_days"]), (&1.into(), &0.into()), "Frank's: {found}");
        let now = "(SELECT MAX(created_at) FROM persons)";
        let day = 86_400_000_i64;
        for (username, days) in [("carol", 10_i64), ("bob", 45), ("erin", 80)] {
            world.tamper(&format!("UPDATE credentials SET expires_at = {now} + {} WHERE kind <> 'password' AND person_id = (SELECT id FROM persons WHERE username = '{username}')", days * day)).await;
        }
        let (_, found) = ask(&world, "expiring", Some(&token)).await;
        let count = |name: &str, column: &str| -> i64 {
            let rows = found["products"].as_array().unwrap();
            rows.iter().filter(|it| it["product"] == name).map(|it| it[column].as_i64().unwrap()).sum()
        };
        let row = |name| (count(name, "within_30_days"), count(name, "within_60_days"), count(name, "within_90_days"));
        assert_eq!((row("mobile_id"), row("phone_otp"), row("hardware_token")), ((1, 1, 2), (0, 1, 2), (0, 0, 1)), "{found}");
        let (done, said) = world.operate(&["report", "expiring", "--json"]);
        assert!(done && said.contains("\"within_60_days\":1"), "{said}");
        // An organization's administrator sees its people; a partner's only what it paid for.
        let words = logged_in(&world, "oscar").await.open("/admin/reports").await.words();
        assert!(words.contains("Phone OTP 0 1 2 1"), "{words}");
        let words = logged_in(&world, "oscar").await.open("/admin/reports?by=organization").await.words();
        assert!(words.contains("Iron Builders LLC Phone OTP 0 1 2 1"), "{words}");
        let words = logged_in(&world, "petra").await.open("/admin/reports").await.words();
        assert!(words.contains("Nothing ends soon"), "{words}");
    })
    .await;
}

#[tokio::test]
async fn programs_need_the_scope_and_the_operators_word() {
    on_each_backend(|world| async move {
        assert_eq!(ask(&world, "sales", None).await.0, 401);
        assert_eq!(ask(&world, "sales", Some("nonsense")).await.0, 401);
        assert_eq!(ask(&world, "sales", Some(&token(&world, "demo-service", "orders").await)).await.0, 403);
        // A scope that a client registered for itself opens nothing.
        let other = token(&world, "demo-service-es256", "reports").await;
        let (status, body) = ask(&world, "sales", Some(&other)).await;
        assert_eq!(status, 403);
        assert!(body["error_description"].as_str().unwrap().contains("reports.clients"), "{body}");
        let rp = world.relying_party().await;
        let (_, login) = world.log_in_with(&rp, "admin", &[]).await;
        assert_eq!(ask(&world, "expiring", Some(&login.access_token)).await.0, 403, "an operator's own token is none");
        let service = token(&world, "demo-service", "reports").await;
        let (status, body) = ask(&world, "sales?from=x", Some(&service)).await;
        assert_eq!(status, 400, "{body}");
        assert!(body["error_description"].as_str().unwrap().contains("from"), "{body}");
    })
    .await;
}

#[tokio::test]
async fn orders_are_listed_shown_and_paid_on_the_command_line() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        invite(&mut oscar, "organization", ("one@x.example", "One")).await;
        let (done, said) = world.operate(&["order", "list", "--stage", "paid", "--json"]);
        assert!(done, "{said}");
        let listed: Value = serde_json::from_str(&said).unwrap();
        let number = listed[0]["number"].as_str().unwrap();
        assert_eq!((&listed[0]["gross_minor"], &listed[0]["method"]), (&3000.into(), &"sponsored".into()));
        let (done, said) = world.operate(&["order", "show", &number.to_lowercase(), "--json"]);
        assert!(done && said.contains("\"unredeemed\"") && said.contains("Iron Builders LLC"), "{said}");
        let (done, said) = world.operate(&["order", "pay", number, "--by", "alice"]);
        assert!(!done && said.contains("--by"), "{said}");
        let (done, said) = world.operate(&["order", "pay", number, "--by", "admin", "--json"]);
        assert!(done && said.contains("it was paid before"), "{said}");
        assert!(!world.operate(&["order", "list", "--stage", "gone"]).0);
        // An order of invitations goes back one by one; what was paid goes back, once.
        let (done, said) = world.operate(&["order", "refund", number, "--by", "admin"]);
        assert!(!done && said.contains("pays for invitations"), "{said}");
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "mobile-id", "1", "later").await;
        let number = &buy(&mut alice, "pay").await;
        let (done, said) = world.operate(&["order", "refund", number, "--by", "admin", "--json"]);
        assert!(done && said.contains("\"refund"), "{said}");
        let (done, said) = world.operate(&["order", "refund", number, "--by", "admin"]);
        assert!(!done && said.contains("only an order that is paid"), "{said}");
        // A voucher is made, shown without its letters, and withdrawn once.
        let (done, said) =
            world.operate(&["voucher", "add", "--uses", "2", "--product", "mobile-id", "--by", "admin", "--json"]);
        let made: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
        let letters = made["voucher"].as_str().unwrap_or_default();
        assert!(done && letters.len() == 29, "{said}");
        let (_, said) = world.operate(&["voucher", "list", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&listed[0]["remaining"], said.contains(letters)), (&2.into(), false), "{said}");
        let id = listed[0]["id"].as_str().unwrap();
        for withdrawn in ["true", "false"] {
            let (_, said) = world.operate(&["voucher", "withdraw", id, "--by", "admin", "--json"]);
            assert!(said.replace(' ', "").contains(&format!("\"withdrawn\":{withdrawn}")), "{said}");
        }
        let nobody = "00000000-0000-0000-0000-000000000001";
        let (done, said) = world.operate(&["voucher", "withdraw", nobody, "--by", "admin", "--json"]);
        assert!(!done && said.contains("\"error\":\"there is no voucher"), "{said}");
        assert!(!world.operate(&["voucher", "add", "--uses", "1", "--product", "none-such", "--by", "admin"]).0);
        assert!(!world.operate(&["order", "show", "SG-0000-0000"]).0);
        // An order that waits for its money gets its keys, once.
        world
            .tamper(&format!("UPDATE orders SET stage = 'awaiting_payment', paid_at = NULL, method = 'invoice' WHERE number = '{number}'"))
            .await;
        world.tamper("DELETE FROM license_keys").await;
        let (done, said) = world.operate(&["order", "pay", number, "--by", "admin", "--json"]);
        assert!(done && said.contains("\"keys\":1"), "{said}");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM license_keys").await, 1);
    })
    .await;
}

/// What people and administrators named goes out as text: no spreadsheet runs it (T32; OWASP, CSV Injection).
#[tokio::test]
async fn t32_names_leave_as_text_in_every_file() {
    on_each_backend(|world| async move {
        let corpus = [
            "=1+1",
            "+SUM(A1)",
            "-2+3",
            "=cmd|' 'A0",
            "%0D=1",
            "=HYPERLINK(\"\"x\"\";\"\"y\"\")",
            "\u{ff1d}1+1",
            "|calc",
        ];
        let mut oscar = logged_in(&world, "oscar").await;
        let rows: String =
            (0..).zip(corpus).map(|(number, name)| format!("p{number}@x.example,\"{name}\"\n")).collect();
        oscar.open("/admin/invitations/file").await;
        let (_, rest) = oscar.page.text.split_once("<option value=\"organization:").unwrap();
        let payer = format!("organization:{}", rest.split('"').next().unwrap());
        let fields = [("sponsor", payer.as_str()), ("product", "mobile-id"), ("rows", "")];
        oscar.upload(&fields, format!("email,name\n{rows}").as_bytes()).await;
        assert!(oscar.page.words().contains("8 mails are on their way"), "{}", oscar.page.words());
        world.tamper("UPDATE organizations SET name = '=cmd|'' /C calc''!A0'").await;
        let mut seen = 0;
        for path in [
            "/admin/invitations.csv",
            "/admin/reports/revenue.csv",
            "/admin/reports/products.csv",
            "/admin/reports/expiring.csv",
        ] {
            let file = oscar.open(path).await.text.clone();
            let read = records(&file).unwrap_or_else(|error| panic!("{path}: {error:?}"));
            let columns = read[0].fields.len();
            for record in &read {
                assert_eq!(record.fields.len(), columns, "{path}: {file}");
                for cell in &record.fields {
                    assert!(
                        !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '%', '|', '\u{ff1d}']),
                        "{path}: {cell}"
                    );
                    seen += usize::from(cell.starts_with('\''));
                }
            }
        }
        assert!(seen > 8 + 8, "the names are there, as text: {seen}");
        // On pages nothing of it is markup.
        world.tamper("UPDATE organizations SET name = '<img src=x onerror=alert(1)>'").await;
        assert!(!oscar.open("/admin/reports").await.text.contains("<img src=x"));
        assert!(!oscar.open("/admin/invitations").await.text.contains("<img src=x"));
    })
    .await;
}
