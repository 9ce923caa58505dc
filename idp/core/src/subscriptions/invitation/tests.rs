//! Files of invitations: what is read, and what is said of what is not.

use super::*;
use proptest::prelude::*;

fn errors(text: &str) -> Vec<(usize, &'static str, String)> {
    let sheet = read(text.as_bytes());
    assert!(!sheet.is_clean(), "{text}");
    sheet.errors.into_iter().map(|it| (it.line, it.flaw.field, it.flaw.wrong)).collect()
}

#[test]
fn a_file_is_read_as_spreadsheets_write_it() {
    let text = "\u{feff}Name,EMAIL, user_id \r\n\"Blue, Jennifer\",Jennifer@X.example,bluej\r\n\r\n\"O\"\"Neill\",o@x.example,\r\n";
    let sheet = read(text.as_bytes());
    assert!(sheet.is_clean(), "{:?}", sheet.errors);
    let [(first, blue), (second, neill)] = &sheet.people[..] else { panic!("{:?}", sheet.people) };
    assert_eq!((*first, blue.email.as_str(), blue.name.as_str()), (2, "jennifer@x.example", "Blue, Jennifer"));
    assert_eq!(blue.username.as_ref().map(Username::as_str), Some("bluej"));
    assert_eq!((*second, neill.name.as_str(), neill.username.clone()), (4, "O\"Neill", None));
}

#[test]
fn each_error_names_line_and_field() {
    let found = errors(
        "email,name,user_id\nnobody,A,\na@x.example,,\nb@x.example,B,Ü!\nc@x.example,C\nd@x.example,D,d\nD@X.example,E,e\ne@x.example,E,D\n",
    );
    let places: Vec<_> = found.iter().map(|(line, field, _)| (*line, *field)).collect();
    assert_eq!(places, [(2, "email"), (3, "name"), (4, "user_id"), (5, "file"), (7, "email"), (8, "user_id")]);
    assert!(found[4].2.contains("line 6") && found[5].2.contains("line 6"));
    for (text, line, word) in [
        ("", 1, "empty"),
        ("email,name\n", 1, "nobody"),
        ("email;name\n", 1, "nobody"),
        ("email|name\n", 1, "column"),
        ("email,name,name\nx,y,z\n", 1, "twice"),
        ("name\nx\n", 1, "needed"),
        ("email,name\na@x.example,\"A\n\n", 2, "never closed"),
        ("email,name\n\n\na@x.example,\"A\"B\n", 4, "behind a closing quote"),
        ("email,name\na@x.example,A \"B\"\n", 2, "within a field"),
        ("email,name\ra@x.example,A\r", 1, "carriage return"),
    ] {
        let found = errors(text);
        assert_eq!(found[0].0, line, "{text:?}: {found:?}");
        assert!(found[0].2.contains(word), "{text:?}: {found:?}");
    }
    let latin = [b"email,name\na@x.example,J".as_slice(), &[0xfc], b"rgen\n"].concat();
    assert_eq!(read(&latin).errors[0].line, 2);
    let many: String = (0..=MAX_ROWS).map(|number| format!("a{number}@x.example,A\n")).collect();
    assert!(errors(&format!("email,name\n{many}"))[0].2.contains("1001 people"));
    let bad = "x,y\n".repeat(500);
    let sheet = read(format!("email,name\n{bad}").as_bytes());
    assert_eq!((sheet.errors.len(), sheet.wrong), (TOLD, 500));
    assert!(!read(&vec![b'a'; MAX_BYTES + 1]).is_clean());
}

#[test]
fn semicolons_and_tabs_are_read_and_one_open_quote_hides_no_other_error() {
    for text in [
        "email;name;user_id\na@x.example;\"Blue; J\";bluej\n",
        "email\tname\r\na@x.example\tJ, Blue\r\n",
        "\u{feff}\nname;email\nJ, Blue;a@x.example\n",
    ] {
        let sheet = read(text.as_bytes());
        assert!(sheet.is_clean() && sheet.people.len() == 1, "{text:?}: {:?}", sheet.errors);
    }
    let found = errors("email,name\na@x.example,\"A\nnobody,B\nc@x.example,C\nd@x.example,D \"D\"\ne@x.example,\n");
    let places: Vec<_> = found.iter().map(|(line, field, _)| (*line, *field)).collect();
    assert_eq!(places, [(2, "file"), (3, "email"), (5, "file"), (6, "name")]);
    assert!(found[0].2.contains("never closed") && found[2].2.contains("within a field"), "{found:?}");
}

#[test]
fn a_name_brings_no_link_into_our_mail() {
    for name in ["Win at https://evil.example", "a\nb", "x@y", "<b>x</b>", "\u{202e}txt", &"n".repeat(81)] {
        assert!(Invitee::parse("a@x.example", name, "").is_err(), "{name:?}");
    }
    for name in ["Jennifer Blue", "O'Neill-Smith", "José Ñandú", "李小龍", "Dr. A. B., PhD"] {
        assert!(Invitee::parse("a@x.example", name, "").is_ok(), "{name:?}");
    }
}

proptest! {
    #[test]
    fn shares_add_up(minor in 0..10_000_000_000_i64, count in 1..1000_usize) {
        let sum = Money::new(minor, "USD".parse().unwrap());
        let shares: Vec<i64> = (0..count).map(|place| share(sum, place, count).minor).collect();
        prop_assert_eq!(shares.iter().sum::<i64>(), minor);
        prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
    }

    #[test]
    fn nothing_that_is_read_breaks_a_rule(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let sheet = read(&[b"email,name,user_id\n".as_slice(), &bytes].concat());
        prop_assert!(sheet.people.len() <= MAX_ROWS && sheet.errors.len() <= TOLD);
        prop_assert!(sheet.wrong >= sheet.errors.len());
    }

    #[test]
    fn what_was_written_is_read(names in prop::collection::vec("[a-zA-Z ,.\"']{1,20}[a-z]", 1..20)) {
        let row = |(place, name): (usize, &String)| format!("p{place}@x.example,\"{}\"\r\n", name.replace('"', "\"\""));
        let text: String = names.iter().enumerate().map(row).collect();
        let sheet = read(format!("email,name\r\n{text}").as_bytes());
        prop_assert!(sheet.is_clean(), "{:?}", sheet.errors);
        let read: Vec<String> = sheet.people.into_iter().map(|(_, it)| it.name).collect();
        let expected: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        prop_assert_eq!(read, expected);
    }
}
