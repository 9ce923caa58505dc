//! The file that names many: what is read of it, and everything that is wrong with it, each with its line.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::CharIndices;

use super::{Flaw, Invitee, MAX_BYTES, MAX_ROWS, TOLD};

/// What is wrong in one line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line, from 1; the heads are a line too.
    pub line: usize,
    /// What.
    pub flaw: Flaw,
}

/// What a file holds. It counts whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Who is to be invited, each with its line.
    pub people: Vec<(usize, Invitee)>,
    /// The first errors, by line.
    pub errors: Vec<RowError>,
    /// How many errors there are.
    pub wrong: usize,
}

impl Sheet {
    /// Whether nothing is wrong with it.
    pub const fn is_clean(&self) -> bool {
        self.wrong == 0 && !self.people.is_empty()
    }

    /// Notes an error.
    pub fn refuse(&mut self, line: usize, flaw: Flaw) {
        self.wrong += 1;
        if self.errors.len() < TOLD {
            self.errors.push(RowError { line, flaw });
        }
    }

    fn refused(line: usize, flaw: Flaw) -> Self {
        let mut sheet = Self::default();
        sheet.refuse(line, flaw);
        sheet
    }
}

/// One record of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The line that it begins in, from 1.
    pub line: usize,
    /// Its fields, without their quotes.
    pub fields: Vec<String>,
}

/// What a file separates its fields with: the first line says it. Spreadsheets write semicolons where the comma is in
/// numbers.
fn separator(text: &str) -> char {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let found = [',', ';', '\t'].into_iter().find(|separator| head.contains(*separator));
    found.unwrap_or(',')
}

/// Errors after which reading goes on with the next line; more of them are not looked for.
const MOST_BROKEN: usize = 20;

/// The records of a CSV file, strictly (RFC 4180): commas, double quotes, lines that end in LF or CRLF. Empty lines are
/// passed over.
///
/// # Errors
/// The first line that is none and what is wrong with it.
pub fn records(text: &str) -> Result<Vec<Record>, RowError> {
    let (found, mut broken) = separated(text, ',');
    if broken.is_empty() { Ok(found) } else { Err(broken.swap_remove(0)) }
}

/// The records, and the lines that are none: after one of them it goes on with the next line.
fn separated(text: &str, separator: char) -> (Vec<Record>, Vec<RowError>) {
    let (mut found, mut broken, mut rest, mut line) = (Vec::new(), Vec::new(), text, 1);
    while !rest.is_empty() && broken.len() < MOST_BROKEN {
        match record(rest, separator, line) {
            Ok((record, after, lines)) => {
                found.extend(record);
                (rest, line) = (after, line + lines);
            }
            Err((error, after)) => {
                line = error.line + 1;
                broken.push(error);
                rest = after;
            }
        }
    }
    (found, broken)
}

/// What stands between quotes, up to the closing one; `None` where there is none.
fn quoted(letters: &mut Peekable<CharIndices<'_>>) -> Option<String> {
    let mut inside = String::new();
    loop {
        match letters.next()? {
            (_, '"') if letters.peek().is_some_and(|(_, next)| *next == '"') => {
                inside.extend(letters.next().map(|(_, quote)| quote));
            }
            (_, '"') => return Some(inside),
            (_, letter) => inside.push(letter),
        }
    }
}

const UNCLOSED: (&str, &str) = ("a quote is opened and never closed", "Close it with another double quote.");

type Read<'a> = (Option<Record>, &'a str, usize);

/// The first record, what comes after it, and how many lines it took; `None` for an empty line. An error comes with what
/// follows its line.
fn record(text: &str, separator: char, line: usize) -> Result<Read<'_>, (RowError, &str)> {
    let (mut fields, mut field, mut lines) = (Vec::new(), String::new(), 0);
    // Whether the field began with a quote; it has ended when its closing quote was read.
    let mut was_quoted = false;
    // Where the quote of the field stands, and in which line.
    let mut opened = (0, 0);
    let mut letters = text.char_indices().peekable();
    let refuse = |at: usize, lines: usize, wrong: &str, remedy| {
        let after = text.get(at..).and_then(|rest| rest.split_once('\n')).map_or("", |(_, after)| after);
        (RowError { line: line + lines, flaw: Flaw::new("file", wrong, remedy) }, after)
    };
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if field.is_empty() && !was_quoted => {
                (was_quoted, opened) = (true, (at, lines));
                let Some(inside) = quoted(&mut letters) else {
                    return Err(refuse(at, lines, UNCLOSED.0, UNCLOSED.1));
                };
                lines += inside.matches('\n').count();
                field = inside;
            }
            other if other == separator => {
                fields.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\r' if letters.peek().is_some_and(|(_, next)| *next == '\n') => {}
            '\n' => {
                let is_empty = fields.is_empty() && field.is_empty() && !was_quoted;
                fields.push(field);
                let after = text.get(at + 1..).unwrap_or_default();
                return Ok(((!is_empty).then_some(Record { line, fields }), after, lines + 1));
            }
            '\r' => {
                let remedy = "Save the file with LF or CRLF.";
                return Err(refuse(at, lines, "a line ends in a lone carriage return", remedy));
            }
            '"' => {
                let remedy = "Put the whole field into double quotes, and write a quote in it twice.";
                return Err(refuse(at, lines, "there is a quote within a field", remedy));
            }
            // It went on into another line, up to a quote that was meant to open a field.
            _ if was_quoted && lines > opened.1 => return Err(refuse(opened.0, opened.1, UNCLOSED.0, UNCLOSED.1)),
            _ if was_quoted => {
                let remedy = "Put a comma or the end of the line after the closing quote.";
                return Err(refuse(at, lines, "something stands behind a closing quote", remedy));
            }
            other => field.push(other),
        }
    }
    let is_empty = fields.is_empty() && field.is_empty() && !was_quoted;
    fields.push(field);
    Ok(((!is_empty).then_some(Record { line, fields }), "", lines + 1))
}

const COLUMNS: [&str; 3] = ["email", "name", "user_id"];
const HEADS: &str = "The first line must be: email,name,user_id (user_id may be left out).";

/// Where each column stands.
fn heads(record: &Record) -> Result<[Option<usize>; 3], Flaw> {
    let mut places = [None; 3];
    for (place, head) in record.fields.iter().enumerate() {
        let name = head.trim().to_lowercase();
        let Some(column) = COLUMNS.iter().position(|known| *known == name) else {
            let shown: String = name.chars().filter(|it| !it.is_control()).take(40).collect();
            return Err(Flaw::new("file", format!("there is no column \u{201c}{shown}\u{201d}"), HEADS));
        };
        match places.get_mut(column) {
            Some(known) if known.is_none() => *known = Some(place),
            _ => return Err(Flaw::new("file", format!("the column {name} is there twice"), HEADS)),
        }
    }
    match places {
        [Some(_), Some(_), _] => Ok(places),
        _ => Err(Flaw::new("file", "the columns email and name are needed", HEADS)),
    }
}

/// Reads a file: UTF-8, heads first; commas, semicolons or tabs between the fields. Finds everything that is wrong, also
/// an address that is there twice.
pub fn read(bytes: &[u8]) -> Sheet {
    if bytes.len() > MAX_BYTES {
        return Sheet::refused(1, Flaw::new("file", "the file is larger than 512 kB", "Split it into several."));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            return Sheet::refused(line, Flaw::new("file", "this is not UTF-8", "Save the file as CSV in UTF-8."));
        }
    };
    let (records, broken) = separated(text, separator(text));
    let mut sheet = Sheet::default();
    let first_broken = broken.first().map(|error| error.line);
    broken.into_iter().for_each(|error| sheet.refuse(error.line, error.flaw));
    let Some((head, rows)) = records.split_first() else {
        if sheet.wrong == 0 {
            sheet.refuse(1, Flaw::new("file", "the file is empty", HEADS));
        }
        return sheet;
    };
    if first_broken.is_some_and(|line| line < head.line) {
        // The line of the heads is broken: what follows cannot be read by them.
        return sheet;
    }
    let places = match heads(head) {
        Ok(places) => places,
        Err(flaw) => {
            sheet.refuse(head.line, flaw);
            return sheet;
        }
    };
    if rows.is_empty() {
        if sheet.wrong == 0 {
            sheet.refuse(head.line, Flaw::new("file", "nobody is named", "Write one line for each person."));
        }
        return sheet;
    }
    if rows.len() > MAX_ROWS {
        let flaw = Flaw::new("file", format!("there are {} people", rows.len()), "Invite at most 1000 at a time.");
        sheet.refuse(head.line, flaw);
        return sheet;
    }
    people(&mut sheet, (head, places), rows);
    sheet.errors.sort_by_key(|error| error.line);
    sheet
}

/// Reads the rows below the heads.
fn people(sheet: &mut Sheet, (head, places): (&Record, [Option<usize>; 3]), rows: &[Record]) {
    let (mut addresses, mut usernames) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        if row.fields.len() != head.fields.len() {
            let wrong = format!("{} fields where the first line has {}", row.fields.len(), head.fields.len());
            sheet.refuse(row.line, Flaw::new("file", wrong, "Put a field with a comma in it into double quotes."));
            continue;
        }
        let field = |column: Option<usize>| column.and_then(|place| row.fields.get(place)).map_or("", String::as_str);
        let [email, name, username] = places.map(field);
        match Invitee::parse(email, name, username) {
            Err(flaws) => flaws.into_iter().for_each(|flaw| sheet.refuse(row.line, flaw)),
            Ok(invitee) => {
                if let Some(first) = addresses.get(&invitee.email) {
                    let wrong = format!("the same address stands in line {first}");
                    sheet.refuse(row.line, Flaw::new("email", wrong, "Leave one of the two out."));
                    continue;
                }
                addresses.insert(invitee.email.clone(), row.line);
                let name = invitee.username.as_ref().map(|name| name.as_str().to_owned());
                if let Some(first) = name.and_then(|name| usernames.insert(name, row.line)) {
                    let wrong = format!("the same user ID stands in line {first}");
                    sheet.refuse(row.line, Flaw::new("user_id", wrong, "Give each person a user ID of their own."));
                    continue;
                }
                sheet.people.push((row.line, invitee));
            }
        }
    }
}
