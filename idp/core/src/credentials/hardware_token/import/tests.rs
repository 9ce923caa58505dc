use proptest::prelude::*;

use super::pskc::Unlock;
use super::*;
use crate::credentials::hardware_token::Mode;

const KEY: [u8; 16] = [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12];
const HOTP: &str = "urn:ietf:params:xml:ns:keyprov:pskc:hotp";

/// A container as RFC 6030 draws it: its figures share all but what is in here.
fn container(inside: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
  xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:xenc11="http://www.w3.org/2009/xmlenc11#"
  xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#">{inside}</KeyContainer>"#
    )
}

fn package(serial: &str, secret: &str, data: &str) -> String {
    format!(
        r#"<KeyPackage><DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>{serial}</SerialNo></DeviceInfo>
<Key Id="12345678" Algorithm="{HOTP}"><AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/>
</AlgorithmParameters><Data><Secret>{secret}</Secret>{data}</Data></Key></KeyPackage>"#
    )
}

fn value(algorithm: &str, text: &str) -> String {
    format!(
        r#"<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#{algorithm}"/>
<xenc:CipherData><xenc:CipherValue>{text}</xenc:CipherValue></xenc:CipherData>"#
    )
}

const PLAIN: &str = "<PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>";
const FIGURE_6_MAC_KEY: &str = "ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX";
const FIGURE_6_SEED: &str = "AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv";
const FIGURE_6_MAC: &str = "Su+NvtQfmvfJzF6bmQiJqoLRExc=";

fn figure_6(seed: &str, mac: &str) -> String {
    let secret = format!("<EncryptedValue>{}</EncryptedValue>{mac}", value("aes128-cbc", seed));
    container(&format!(
        r#"<EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>
<MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><MACKey>{}</MACKey></MACMethod>{}"#,
        value("aes128-cbc", FIGURE_6_MAC_KEY),
        package("987654321", &secret, "<Counter><PlainValue>7</PlainValue></Counter>")
    ))
}

fn figure_7(iterations: &str) -> String {
    let secret = format!(
        "<EncryptedValue Id=\"ED\">{}</EncryptedValue><ValueMAC>LP6xMvjtypbfT9PdkJhBZ+D6O4w=</ValueMAC>",
        value("aes128-cbc", "oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f")
    );
    container(&format!(
        r#"<EncryptionKey><xenc11:DerivedKey>
<xenc11:KeyDerivationMethod Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2">
<pkcs5:PBKDF2-params><Salt><Specified>Ej7/PEpyEpw=</Specified></Salt><IterationCount>{iterations}</IterationCount>
<KeyLength>16</KeyLength><PRF/></pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod></xenc11:DerivedKey></EncryptionKey>
<MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><MACKey>{}</MACKey></MACMethod>{}"#,
        value("aes128-cbc", "2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx"),
        package("987654321", &secret, "")
    ))
}

/// The tokens and the refused rows of a file, each in short; or why the whole of it was refused.
fn read(format: Format, text: &[u8]) -> Result<Vec<String>, String> {
    let mut rows = Rows::new(format, text);
    let mut found = Vec::new();
    loop {
        match rows.next_row().map_err(|error| error.to_string())? {
            None => return Ok(found),
            Some(Found::Refused(error)) => {
                found.push(format!("{} {} refused: {}", error.row, error.serial.unwrap_or_default(), error.reason));
            }
            Some(Found::Token(token)) => {
                let mode = match token.parameters.mode() {
                    Mode::Hotp => "hotp".to_owned(),
                    Mode::Totp { period_seconds } => format!("totp{period_seconds}"),
                };
                found.push(format!(
                    "{} {} {mode} {} {} {} @{}",
                    token.row,
                    token.serial,
                    token.parameters.algorithm().name(),
                    token.parameters.digits(),
                    String::from_utf8_lossy(token.seed.expose()),
                    token.counter
                ));
            }
        }
    }
}

fn pskc(unlock: Unlock, text: &str) -> Result<Vec<String>, String> {
    read(Format::Pskc(unlock), text.as_bytes())
}

fn key() -> Unlock {
    Unlock::Key(SecretBytes::new(KEY.to_vec()))
}

fn password(text: &str) -> Unlock {
    Unlock::Password(SecretString::new(text.to_owned()))
}

#[test]
fn the_figures_of_rfc_6030() {
    let seed = "12345678901234567890";
    let mac = format!("<ValueMAC>{FIGURE_6_MAC}\n</ValueMAC>");
    let expected = |counter| Ok(vec![format!("1 987654321 hotp SHA1 8 {seed} @{counter}")]);
    assert_eq!(pskc(Unlock::Nothing, &container(&package("987654321", PLAIN, ""))), expected(0));
    assert_eq!(pskc(key(), &figure_6(FIGURE_6_SEED, &mac)), expected(7));
    assert_eq!(pskc(password("qwerty"), &figure_7("1000")), expected(0));
}

#[test]
fn what_protects_a_seed_must_be_right() {
    let mac = format!("<ValueMAC>{FIGURE_6_MAC}</ValueMAC>");
    let refused = |file: &str, unlock: Unlock| match pskc(unlock, file) {
        Ok(rows) => rows.join("\n"),
        Err(whole) => format!("the file: {whole}"),
    };
    let changed = FIGURE_6_SEED.replace("AAEC", "AAED");
    for (file, unlock, reason) in [
        (
            figure_6(FIGURE_6_SEED, "<ValueMAC>Au+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>"),
            key(),
            "1 987654321 refused: its MAC is wrong",
        ),
        (figure_6(&changed, &mac), key(), "its MAC is wrong"),
        (figure_6(FIGURE_6_SEED, ""), key(), "without a ValueMAC"),
        (figure_6(FIGURE_6_SEED, &mac), Unlock::Nothing, "the file: the file is encrypted with a key"),
        (figure_6(FIGURE_6_SEED, &mac), password("qwerty"), "not with a password"),
        (figure_7("1000"), password("qwertz"), "the MAC key cannot be opened"),
        (figure_7("1000"), Unlock::Nothing, "with a password, and none was given"),
        (figure_7("4000000000"), password("qwerty"), "the IterationCount must be"),
        (figure_7("0"), password("qwerty"), "the IterationCount must be"),
        (figure_6(FIGURE_6_SEED, &mac).replace("hmac-sha1", "hmac-md5"), key(), "is not accepted: HMAC-SHA1"),
        (figure_6(FIGURE_6_SEED, &mac).replace("aes128-cbc", "tripledes-cbc"), key(), "is not accepted: AES in CBC"),
        (figure_6(FIGURE_6_SEED, &mac).replace("aes128-cbc", "aes256-cbc"), key(), "it wants a key of 32 bytes"),
    ] {
        let said = refused(&file, unlock);
        assert!(said.contains(reason), "{reason} is not in {said}");
    }
}

#[test]
fn wrapped_keys_open_with_every_length() {
    // RFC 3394 §4.1, §4.2, §4.3: the same 128 bits under three keys.
    let key = |length: u8| (0..length).collect::<Vec<u8>>();
    for (name, length, wrapped) in [
        ("kw-aes128", 16, "H6aLCoEStEeu80vY+1p7gp0+hiNx0s/l"),
        ("kw-aes192", 24, "lneLJa5spDX5K1uXwFCu0kaKuKF62E5d"),
        ("kw-aes256", 32, "ZOjD+c4PW6Jj6Xd5BYGKKpPIGR59born"),
    ] {
        let secret = format!("<EncryptedValue>{}</EncryptedValue>", value(name, wrapped));
        let file = container(&format!(
            "<EncryptionKey><ds:KeyName>K</ds:KeyName></EncryptionKey>{}",
            package("1", &secret, "")
        ));
        let format = || Format::Pskc(Unlock::Key(SecretBytes::new(key(length))));
        let mut rows = Rows::new(format(), file.as_bytes());
        let Ok(Some(Found::Token(token))) = rows.next_row() else { panic!("{name}") };
        assert_eq!(
            token.seed.expose().as_slice(),
            data_encoding::HEXUPPER.decode(b"00112233445566778899AABBCCDDEEFF").unwrap()
        );
        let touched = file.replace(&wrapped[..4], "AAAA");
        assert!(read(format(), touched.as_bytes()).unwrap()[0].contains("does not decrypt"), "{name}");
    }
}

#[test]
fn t24_a_file_that_is_not_strictly_pskc_is_refused_as_a_whole() {
    let good = container(&package("1", PLAIN, ""));
    let bomb = format!(
        "<!DOCTYPE k [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>{}",
        good.split_once('\n').unwrap().1
    );
    let deep = container(&format!("<KeyPackage>{}{}</KeyPackage>", "<x>".repeat(40), "</x>".repeat(40)));
    let many = (0..20).fold(String::new(), |all, number| format!("{all} a{number}=\"1\""));
    for (file, reason) in [
        (bomb, "a DTD is not accepted"),
        (good.replace("MTIz", "&amp;&x;"), "an entity is not accepted"),
        (good.replace("Version=\"1.0\" x", "Version=\"1.2\" x"), "version \"1.2\" of PSKC is not known"),
        (good.replace("Version=\"1.0\" x", "x"), "has no Version"),
        (good.replace("keyprov:pskc\"", "keyprov:pskc:1.0\""), "in its namespace"),
        (good.replace("KeyContainer", "KeyBox"), "KeyBox"),
        (good[..good.len() - 10].to_owned(), "after row 1"),
        (good[..good.len() - 200].to_owned(), "cut off"),
        (format!("{good}<more/>"), "something follows"),
        (good.replace("<KeyPackage>", "<KeyPackage><?php 1 ?>"), "processing instructions"),
        (good.replace("<Data>", "<Other></Data>"), "not well-formed"),
        (good.replace("<Data>", "<x:Data>"), "bound to no namespace"),
        (good.replace("<Data>", &format!("<Data{many}>")), "too many attributes"),
        (good.replace("<Data>", &format!("<Data>{}", "a".repeat(70_000))), "larger than any token needs"),
        (deep, "nested too deeply"),
        (good.replace("<KeyPackage>", "<Surprise/><KeyPackage>"), "knows no \"Surprise\""),
        ("serial,seed".to_owned(), "no XML document"),
        (String::new(), "no XML document"),
    ] {
        let said = pskc(Unlock::Nothing, &file).unwrap_err();
        assert!(said.contains(reason), "{reason} is not in {said}");
    }
}

#[test]
fn tokens_of_other_kinds_are_refused_by_row_and_the_others_are_read() {
    let one =
        |from: &str, to: &str| package("2", PLAIN, "<Counter><PlainValue>0</PlainValue></Counter>").replace(from, to);
    for (row, reason) in [
        (one(HOTP, "urn:ietf:params:xml:ns:keyprov:pskc:pin"), "profile \"pin\" is not accepted"),
        (one(HOTP, "urn:ietf:params:xml:ns:keyprov:pskc:ocra"), "profile \"ocra\""),
        (one("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "MTIzNA=="), "its seed has 4 bytes"),
        (one("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "?"), "not in base64"),
        (one("\"8\"", "\"4\""), "6, 7 or 8 digits"),
        (one("DECIMAL", "HEXADECIMAL"), "not decimal digits"),
        (one("Encoding=", "CheckDigits=\"true\" Encoding="), "check digit"),
        (one("Encoding=", "CheckDigits=\"perhaps\" Encoding="), "true or false"),
        (one(">0<", ">none<"), "is no number"),
        (one(">0<", ">-1<"), "negative"),
        (one("<Data>", "<Policy><KeyUsage>CR</KeyUsage></Policy><Data>"), "does not allow one-time"),
        (one("<Data>", "<Policy><NumberOfTransactions>4</NumberOfTransactions></Policy><Data>"), "not understood"),
        (one("<Data>", "<Data><Secret/>"), "more than one Secret"),
        (one("<Data>", "<KeyReference>x</KeyReference><Data>"), "lies elsewhere"),
    ] {
        let file = container(&format!("{}{row}{}", package("1", PLAIN, ""), package("3", PLAIN, "")));
        let found = pskc(Unlock::Nothing, &file).unwrap();
        assert!(found[1].contains(reason) && found[1].starts_with("2 2 refused"), "{reason} is not in {}", found[1]);
        assert!(found[0].starts_with("1 1 hotp") && found[2].starts_with("3 3 hotp"));
    }
}

#[test]
fn totp_suites_dates_and_names() {
    let file = container(&package(
        "1",
        PLAIN,
        "<TimeInterval><PlainValue>60</PlainValue></TimeInterval><TimeDrift><PlainValue>-2</PlainValue></TimeDrift>",
    ))
    .replace(HOTP, "urn:ietf:params:xml:ns:keyprov:pskc:totp")
    .replace("<ResponseFormat", "<Suite>HMAC-SHA256</Suite><ResponseFormat")
    .replace(">Manufacturer<", ">A &amp; B&#33;<")
    .replace("</Key>", "<Policy><ExpiryDate>2026-05-31T00:00:00Z</ExpiryDate></Policy></Key>");
    let mut rows = Rows::new(Format::Pskc(Unlock::Nothing), file.as_bytes());
    let Ok(Some(Found::Token(token))) = rows.next_row() else { panic!() };
    assert_eq!(token.parameters.mode(), Mode::Totp { period_seconds: 60 });
    assert_eq!((token.parameters.algorithm(), token.drift), (Algorithm::Sha256, -2));
    assert_eq!(token.manufacturer, "A & B!");
    assert_eq!(token.expires_at, Some(Timestamp::from_unix_seconds(1_780_185_600)));
}

#[test]
fn oath_csv_says_what_each_line_is() {
    let format = || Format::OathCsv { algorithm: Algorithm::Sha256 };
    let seed = "3132333435363738393031323334353637383930";
    let file = format!(
        "# a comment\nA-1, {seed}, HOTP, 6\n\nA-2;{seed};totp;8;60\r\n# version: 2\nanna, realm, dom, A-3, {seed}, totp, 6, 30\n\
         a, b, c, A-4, {seed}, ocra, 6\na, b, c, A-5, zz, hotp, 6\na,b,c,A-6,{seed},totp,6\na,b,c,A 7,{seed},hotp,6\na,b,c,A-8\n"
    );
    let found = read(format(), file.as_bytes()).unwrap();
    let whole = "12345678901234567890";
    assert_eq!(
        found[..3],
        [
            format!("1 A-1 hotp SHA256 6 {whole} @0"),
            format!("2 A-2 totp60 SHA256 8 {whole} @0"),
            format!("3 A-3 totp30 SHA256 6 {whole} @0")
        ]
    );
    for (row, reason) in found[3..].iter().zip([
        "4 A-4 refused: its type \"ocra\"",
        "5 A-5 refused: its seed is not in hex",
        "6 A-6 refused: its step \"\"",
        "7  refused: a serial number has",
        "8 A-8 refused: a line has",
    ]) {
        assert!(row.starts_with(reason), "{row}");
    }
    assert!(!found.join("").contains("zz"), "what stands where a seed should is not repeated");
    assert!(read(format(), b"# version: 3\n").unwrap_err().contains("version 3"));
    assert!(read(format(), &[0xff, 0xfe, 0]).unwrap_err().contains("no text"));
    assert!(read(format(), &[b'a'; 5000]).unwrap_err().contains("larger than any token needs"));
    assert!(matches!(
        Format::from_choice("oath-csv", (&String::new().into(), &String::new().into()), "", ""),
        Err(("algorithm", _))
    ));
}

#[test]
fn yubico_csv_in_both_layouts() {
    let file = "LOGGING START,11.12.13 18:55\n\
        OATH-HOTP,11.12.13 18:55,1,cccccccccccc,,916821d3a138bf855e70069605559a206ba854cd,,,0,0,0,8,0,0,0,0,0,0\n\
        1382042,,0,bf7efc1c8b6f23604930a9ce693bdd6c3265be00,,2013-12-12T08:41:17,\n\
        Yubico OTP,12/11/2013 11:10,1,vvgutbiedkvi,ab86c04de6a3,d26a7c0f85fdda28bd816e406342b214,,,0,0,0,0,0,0,0,0,0,0\n\
        508326,cccccccccccc,1,69cfb9202438ca68964ec3244bfa4843,,2013-12-12T08:41:07,\n\
        OATH-HOTP,11.12.13 18:55,1,,,916821d3a138bf855e70069605559a206ba854cd,,,0,0,0,8\nnonsense\n";
    let found = read(Format::YubicoCsv { digits: 6 }, file.as_bytes()).unwrap();
    assert!(found[0].starts_with("1 cccccccccccc-1 hotp SHA1 8"), "{found:?}");
    assert!(found[1].starts_with("2 1382042 hotp SHA1 6"));
    for (row, reason) in
        [(2, "Yubico OTP (AES)"), (3, "Yubico OTP (AES)"), (4, "names no token"), (5, "not with \"nonsense\"")]
    {
        assert!(found[row].contains(reason), "{}", found[row]);
    }
}

#[test]
fn t24_a_file_of_a_gigabyte_is_not_read_to_its_end() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += buffer.len() as u64;
            assert!(self.0 < LARGEST_FILE + 1_000_000, "read beyond the limit");
            buffer.fill(b'#');
            for end in buffer.chunks_mut(4000) {
                end[0] = b'\n';
            }
            Ok(buffer.len())
        }
    }
    let source = std::io::BufReader::with_capacity(64_000, Endless(0));
    let mut rows = Rows::new(Format::OathCsv { algorithm: Algorithm::Sha1 }, source);
    let Err(error) = rows.next_row() else { panic!() };
    assert!(error.reason.contains("larger than 512 MB"), "{error}");
}

proptest! {
    /// Whatever is cut, changed or put in: an answer, never a panic, and never a token that was not in the file.
    #[test]
    fn a_damaged_file_is_never_another_file(at in 0usize..2000, byte in any::<u8>(), cut in any::<bool>()) {
        let mac = format!("<ValueMAC>{FIGURE_6_MAC}</ValueMAC>");
        let mut file = figure_6(FIGURE_6_SEED, &mac).into_bytes();
        let at = at % file.len();
        if cut { file.truncate(at) } else { file[at] = byte }
        let found = read(Format::Pskc(key()), &file).unwrap_or_default();
        for row in found.iter().filter(|row| !row.contains("refused")) {
            prop_assert!(row.contains("12345678901234567890"), "{row}");
        }
    }
}
