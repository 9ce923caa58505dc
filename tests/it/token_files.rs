//! Files of tokens: what comes in is read by the samples of others and never held whole, what goes out takes two people
//! and can be read by others.

use std::io::Write;
use std::process::Command;

use stepgate_core::credentials::hardware_token::import::pskc::Unlock;
use stepgate_core::credentials::hardware_token::import::{Format, Found, LARGEST_FILE, Rows};
use stepgate_core::secret::{SecretBytes, SecretString};
use stepgate_tests::{Browser, World, on_each_backend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::hardware_tokens::{HEX, SEED, act, logged_in, propose};

/// Uploads a file as it is made, without its end being known: `bytes` of comments, then its end. The answer.
async fn stream(world: &World, browser: &Browser, bytes: u64) -> String {
    let csrf = browser.page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let host = world.issuer.strip_prefix("http://").unwrap();
    let port = host.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let (mut reader, mut writer) = tokio::net::TcpStream::connect(("localhost", port)).await.unwrap().into_split();
    let answer = tokio::spawn(async move {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    });
    let head = format!(
        "POST /admin/tokens/import HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=edge\r\nTransfer-Encoding: chunked\r\n\r\n",
        browser.cookies()
    );
    writer.write_all(head.as_bytes()).await.unwrap();
    let mut fields = String::new();
    for (name, value) in [("csrf", csrf), ("name", "huge"), ("format", "oath-csv"), ("algorithm", "sha1")] {
        fields += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    fields += "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"huge.csv\"\r\n\r\n";
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    writer.write_all(chunk(&fields).as_bytes()).await.unwrap();
    // Two refused rows, so that the answer has a row to name, and comments after them.
    writer.write_all(chunk(&format!("A-1,{HEX},totp,6,30\nA-2,31,hotp,6\n")).as_bytes()).await.unwrap();
    let lines = format!("#{}\n", "x".repeat(1022)).repeat(256);
    let (piece, mut left) = (chunk(&lines), bytes);
    while left > 0 && writer.write_all(piece.as_bytes()).await.is_ok() {
        left = left.saturating_sub(lines.len() as u64);
    }
    let _ = writer.write_all(format!("{}0\r\n\r\n", chunk("\r\n--edge--\r\n")).as_bytes()).await;
    answer.await.unwrap()
}

/// Kilobytes of memory that a node has had at most.
fn most_memory(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.process(0))).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_a_file_of_a_gigabyte_is_refused_at_the_limit_and_never_held() {
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let mut admin = logged_in(&world, "admin").await;
    admin.open("/admin/tokens/import").await;
    let before = most_memory(&world);
    let started = std::time::Instant::now();
    let answer = stream(&world, &admin, 2 * LARGEST_FILE).await;
    println!("a gigabyte was refused after {:.1} s", started.elapsed().as_secs_f64());
    assert!(answer.starts_with("HTTP/1.1 422"), "{}", answer.chars().take(300).collect::<String>());
    for said in
        ["the file is larger than 512 MB (after row 2)", "its seed has 1 bytes", "Nothing. A file comes in whole"]
    {
        assert!(answer.contains(said), "{said}: {answer}");
    }
    let grown = most_memory(&world) - before;
    assert!(grown < 128 * 1024, "{grown} kB more than before, for a file of a gigabyte");
    let kept = "SELECT COUNT(*) AS found FROM hardware_tokens WHERE serial LIKE 'A-%'";
    assert_eq!(world.count(kept).await, 0);
    // Cut off in the middle: nothing of it stays either.
    assert_eq!(propose(&mut admin, "short", &[], &format!("A-1,{HEX},totp,6,30\nA-2,{HEX}")).await, 422);
    assert_eq!(world.count(kept).await, 0);
}

#[tokio::test]
async fn what_goes_out_takes_two_people_and_others_can_read_it() {
    on_each_backend(|world| async move {
        let (mut admin, mut simon) = (logged_in(&world, "admin").await, logged_in(&world, "simon").await);
        admin.open("/admin/tokens/files").await;
        let file = admin.page.text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/files/")).unwrap();
        let file = file.split('"').next().unwrap().to_owned();
        let (acts, password) = (format!("{file}/do"), "correct horse battery");
        admin.open(&file).await;
        admin.submit_with(&acts, &[("act", "export"), ("note", "to Girders & Co.")]).await;
        let waits = admin.page.text.split("name=\"export\" value=\"").nth(1);
        assert!(waits.is_none(), "the proposer is offered nothing yet");
        simon.open(&file).await;
        let export =
            simon.page.text.split("name=\"export\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fetch = [("act", "fetch"), ("export", export.as_str()), ("password", password)];
        let approve = [("act", "approve-export"), ("export", export.as_str())];
        assert_eq!(admin.submit_with(&acts, &fetch).await.status, 422, "not approved");
        assert_eq!(admin.submit_with(&acts, &approve).await.status, 422, "not by its proposer");
        assert_eq!(simon.submit_with(&acts, &approve).await.status, 200);
        assert_eq!(simon.submit_with(&acts, &fetch).await.status, 422, "not by its approver");
        admin.open(&file).await;
        assert_eq!(
            admin.submit_with(&acts, &[("act", "fetch"), ("export", &export), ("password", "short")]).await.status,
            422
        );
        let text = admin.submit_with(&acts, &fetch).await.text.clone();
        assert!(text.starts_with("<?xml") && !text.contains("12345678901234567890"), "{text}");
        let serials = serials_in(&text, password);
        assert_eq!(serials, ["HT-1001", "HT-1002", "HT-1003"], "what is in stock, and nobody's");
        others_read(&text, password);
        // A download that broke off is fetched again: the same tokens, under another password if one likes.
        admin.open(&file).await;
        assert!(admin.page.words().contains("has it arrived?"), "{}", admin.page.words());
        assert!(!admin.page.text.contains("id=\"export\"") || admin.page.has("fetch"));
        let other = [("act", "fetch"), ("export", export.as_str()), ("password", "another password")];
        let again = admin.submit_with(&acts, &other).await.text.clone();
        assert!(serials_in(&again, "another password").len() == 3 && again != text, "{again}");
        admin.open(&file).await;
        simon.open(&file).await;
        let arrived = [("act", "arrived"), ("export", export.as_str())];
        assert_eq!(simon.submit_with(&acts, &arrived).await.status, 422, "its proposer knows");
        assert_eq!(admin.submit_with(&acts, &arrived).await.status, 200);
        assert!(admin.page.words().contains("Arrived"), "{}", admin.page.words());
        assert_eq!(admin.submit_with(&acts, &fetch).await.status, 422, "it has arrived");
        admin.open(&file).await;
        let audited = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'token.export.fetched'";
        assert_eq!(world.count(audited).await, 2, "each time");
        let marked = "SELECT COUNT(*) AS found FROM token_custody WHERE note = 'its seed went out in a file'";
        assert_eq!(world.count(marked).await, 3, "each token once");
        // What others know can become nobody's here.
        assert_eq!(act(&mut admin, "HT-1001", "assign", &[("username", "petra"), ("note", "")]).await, 422);
        assert!(admin.page.words().contains("known elsewhere"));
    })
    .await;
}

/// The serial numbers in an encrypted file, whose seeds are the demo's.
fn serials_in(file: &str, password: &str) -> Vec<String> {
    let unlock = Unlock::Password(SecretString::new(password.to_owned()));
    let mut rows = Rows::new(Format::Pskc(unlock), file.as_bytes());
    let mut serials = Vec::new();
    while let Some(found) = rows.next_row().unwrap() {
        let Found::Token(token) = found else { panic!() };
        assert_eq!(token.seed.expose(), SEED);
        serials.push(token.serial);
    }
    serials.sort();
    serials
}

/// Debian's `pskctool` and PyPI's `python-pskc` read the file, and `oathtool` shows the code of the seed that they found.
fn others_read(file: &str, password: &str) {
    let path = std::env::temp_dir().join(format!("export-{}.pskcxml", std::process::id()));
    std::fs::write(&path, file).unwrap();
    match Command::new("pskctool").args(["--info", "--verbose"]).arg(&path).output() {
        Err(_) => println!("pskctool is not installed"),
        Ok(said) => {
            let text = String::from_utf8_lossy(&said.stdout).into_owned() + &*String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success() && text.contains("HT-1002"), "{text}");
        }
    }
    let Ok(python) = std::env::var("STEPGATE_TEST_PSKC_PYTHON") else {
        println!("STEPGATE_TEST_PSKC_PYTHON is not set: python-pskc is not asked");
        let _ = std::fs::remove_file(&path);
        return;
    };
    let script = "import sys\nfrom pskc import PSKC\nfile = PSKC(sys.argv[1])\nfile.encryption.derive_key(sys.argv[2])\nfor key in file.keys: print(key.serial, key.check() and key.secret.hex())";
    let said = Command::new(python).args(["-c", script]).arg(&path).arg(password).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned() + &*String::from_utf8_lossy(&said.stderr);
    assert!(text.contains(&format!("HT-1002 {HEX}")), "{text}");
    let code = Command::new("oathtool")
        .args(["--totp", "--now", "1970-01-01 00:00:59 UTC", "--digits", "8", HEX])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&code.stdout).trim(), "94287082");
    let _ = std::fs::remove_file(&path);
}

/// The files of `python-pskc`'s own tests, from its source package, which `tests/run` downloads.
#[test]
fn the_samples_of_others() {
    let Ok(folder) = std::env::var("STEPGATE_TEST_PSKC_SAMPLES") else {
        println!("STEPGATE_TEST_PSKC_SAMPLES is not set: the samples of python-pskc are not read");
        return;
    };
    let read = |name: &str, unlock: Unlock, change: &dyn Fn(String) -> String| {
        let text = change(std::fs::read_to_string(format!("{folder}/{name}")).unwrap());
        let mut rows = Rows::new(Format::Pskc(unlock), text.as_bytes());
        let mut said = String::new();
        loop {
            match rows.next_row() {
                Ok(None) => return said,
                Err(whole) => return format!("{said}refused: {}\n", whole.reason),
                Ok(Some(Found::Refused(error))) => said += &format!("row {}: {}\n", error.row, error.reason),
                Ok(Some(Found::Token(token))) => said += &format!("{} {}\n", token.serial, hex(token.seed.expose())),
            }
        }
    };
    let key =
        |text: &str| Unlock::Key(SecretBytes::new(data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()));
    let pre_shared = || key("12345678901234567890123456789012");
    let as_it_is = |text: String| text;
    let none = || Unlock::Nothing;
    for (name, unlock, said) in [
        ("rfc6030/figure2.pskcxml", none(), "AlgorithmParameters"),
        ("rfc6030/figure3.pskcxml", none(), HEX),
        ("rfc6030/figure4.pskcxml", none(), "elsewhere"),
        ("rfc6030/figure5.pskcxml", none(), HEX),
        ("rfc6030/figure6.pskcxml", pre_shared(), HEX),
        ("rfc6030/figure7.pskcxml", Unlock::Password(SecretString::new("qwerty".to_owned())), HEX),
        ("rfc6030/figure10.pskcxml", none(), HEX),
        ("invalid/mac-value.pskcxml", pre_shared(), "its MAC is wrong"),
        ("invalid/mac-algorithm.pskcxml", pre_shared(), "is not accepted: HMAC-SHA1"),
        ("invalid/no-mac-method.pskcxml", pre_shared(), "MAC"),
        ("invalid/missing-encryption.pskcxml", pre_shared(), "EncryptionMethod"),
        ("invalid/missing-encryption-method.pskcxml", pre_shared(), "Encryption"),
        ("invalid/unknown-encryption.pskcxml", pre_shared(), "is not accepted"),
        ("invalid/incomplete-derivation.pskcxml", Unlock::Password(SecretString::new("qwerty".to_owned())), "refused"),
        ("invalid/not-boolean.pskcxml", none(), "row 1"),
        ("invalid/not-integer.pskcxml", none(), "row 1"),
        ("invalid/not-integer2.pskcxml", none(), "row 1"),
        ("invalid/notxml.pskcxml", none(), "refused"),
        ("invalid/wrongelement.pskcxml", none(), "KeyContainer"),
        ("invalid/wrongversion.pskcxml", none(), "version \"1.2\""),
        ("encryption/tripledes-cbc.pskcxml", pre_shared(), "is not accepted"),
        ("draft-ietf-keyprov-pskc-02/figure2.pskcxml", none(), "refused"),
    ] {
        let found = read(name, unlock, &as_it_is);
        assert!(found.contains(said), "{name}: {said} is not in {found}");
        if name.starts_with("invalid/") {
            assert!(!found.contains(HEX), "{name}: {found}");
        }
    }
    // Those about encryption leave the token's own parameters away: they are put in.
    let whole = |text: String| {
        let parameters =
            "<AlgorithmParameters><ResponseFormat Encoding=\"DECIMAL\" Length=\"6\"/></AlgorithmParameters>";
        text.replace(
            "<Key>",
            &format!("<Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\">{parameters}"),
        )
    };
    let wrapped = "00112233445566778899aabbccddeeff";
    for (name, key_text, seed) in [
        ("encryption/kw-aes128.pskcxml", "000102030405060708090a0b0c0d0e0f", wrapped),
        ("encryption/kw-aes192.pskcxml", "000102030405060708090a0b0c0d0e0f1011121314151617", wrapped),
        (
            "encryption/kw-aes256.pskcxml",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff",
        ),
    ] {
        let found = read(name, key(key_text), &whole);
        assert!(found.contains(seed), "{name}: {found}");
    }
    // Each has another MAC, of which HMAC-SHA256 is one that we take.
    let digits = "1234567890".repeat(7);
    for (name, length, said) in
        [("aes128-cbc", 32, "hmac-sha224"), ("aes192-cbc", 48, "1 3"), ("aes256-cbc", 64, "hmac-sha384")]
    {
        let found = read(&format!("encryption/{name}.pskcxml"), key(&digits[..length]), &whole);
        assert!(found.contains(said), "{name}: {found}");
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// The figure that the issue asks for. It takes a minute and is for whoever measures: `STEPGATE_TEST_TOKENS=100000`.
#[tokio::test]
async fn a_big_file_comes_in_without_a_big_memory() {
    let count: usize = std::env::var("STEPGATE_TEST_TOKENS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let path = std::env::temp_dir().join(format!("big-{}.pskcxml", std::process::id()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">").unwrap();
    for number in 0..count {
        writeln!(
            file,
            "<KeyPackage><DeviceInfo><Manufacturer>M</Manufacturer><SerialNo>BIG-{number}</SerialNo></DeviceInfo><Key Id=\"1\" \
             Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"><AlgorithmParameters><ResponseFormat Length=\"6\" \
             Encoding=\"DECIMAL\"/></AlgorithmParameters><Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>\
             </Secret></Data></Key></KeyPackage>"
        )
        .unwrap();
    }
    writeln!(file, "</KeyContainer>").unwrap();
    drop(file);
    let started = std::time::Instant::now();
    let (done, said) = world.operate(&["token", "import", path.to_str().unwrap(), "--format", "pskc", "--by", "admin"]);
    let _ = std::fs::remove_file(&path);
    assert!(done && said.contains(&count.to_string()), "{said}");
    println!("{count} tokens came in in {:.1} s", started.elapsed().as_secs_f64());
    assert!(started.elapsed().as_secs() < 60 + 60, "{:?}", started.elapsed());
    let waiting = world.count("SELECT COUNT(*) AS found FROM hardware_tokens WHERE serial LIKE 'BIG-%'").await;
    assert_eq!(usize::try_from(waiting).unwrap(), count);
}
