//! XML as far as PSKC needs it: elements with attributes, text and children, of bounded size and depth.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use crate::credentials::hardware_token::import::Limited;

/// Bytes of one child of the container at most.
const LARGEST_ELEMENT: u64 = 64 * 1024;
const DEEPEST: usize = 16;
const MOST_ATTRIBUTES: usize = 16;

/// The namespaces that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Pskc,
    Signature,
    Encryption,
    Encryption11,
    /// PKCS #5, and no namespace: RFC 6030's own figure leaves it away inside of the PBKDF2 parameters.
    Pkcs5,
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Result<Self, String> {
        Ok(match resolved {
            ResolveResult::Bound(Namespace(name)) => match *name {
                "urn:ietf:params:xml:ns:keyprov:pskc" => Self::Pskc,
                "http://www.w3.org/2000/09/xmldsig#" => Self::Signature,
                "http://www.w3.org/2001/04/xmlenc#" => Self::Encryption,
                "http://www.w3.org/2009/xmlenc11#" => Self::Encryption11,
                "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#" => Self::Pkcs5,
                _ => Self::Other,
            },
            ResolveResult::Unbound => Self::Pkcs5,
            ResolveResult::Unknown(prefix) => return Err(format!("the prefix {prefix:?} is bound to no namespace")),
        })
    }
}

/// One element.
pub(super) struct Element {
    pub space: Space,
    pub name: String,
    attributes: Vec<(String, String)>,
    pub children: Vec<Self>,
    pub text: String,
}

impl Element {
    pub(super) fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && self.name == name
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The one child of that name; two of them are an error.
    pub(super) fn child(&self, space: Space, name: &str) -> Result<Option<&Self>, String> {
        let mut found = self.children.iter().filter(|child| child.is(space, name));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(format!("{} has more than one {name}", self.name)),
            (child, None) => Ok(child),
        }
    }

    /// The child that must be there.
    pub(super) fn wanted(&self, space: Space, name: &str) -> Result<&Self, String> {
        self.child(space, name)?.ok_or_else(|| format!("{} has no {name}", self.name))
    }

    /// The text of a child; empty where there is none.
    pub(super) fn text_of(&self, space: Space, name: &str) -> Result<&str, String> {
        Ok(self.child(space, name)?.map_or("", |child| child.text.trim()))
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        // It may hold a seed.
        zeroize::Zeroize::zeroize(&mut self.text);
    }
}

/// A document, of which one child of the root is in memory at a time.
pub(super) struct Tree<R: BufRead> {
    reader: NsReader<Limited<R>>,
    buffer: Vec<u8>,
}

enum Step {
    Open(Element),
    Whole(Element),
    Close,
    Text(String),
    Nothing,
    End,
}

impl<R: BufRead> Tree<R> {
    pub(super) fn new(source: R) -> Self {
        let mut reader = NsReader::from_reader(Limited::new(source, LARGEST_ELEMENT));
        reader.config_mut().check_comments = true;
        Self { reader, buffer: Vec::new() }
    }

    /// The start of the root.
    pub(super) fn root(&mut self) -> Result<Element, String> {
        loop {
            match self.step()? {
                Step::Open(element) => return Ok(element),
                Step::Whole(element) => return Err(format!("{} is empty", element.name)),
                Step::Text(text) if text.trim_matches('\u{feff}').trim().is_empty() => {}
                Step::Nothing => {}
                Step::Text(_) | Step::Close | Step::End => return Err("this is no XML document".to_owned()),
            }
        }
    }

    /// The next child of the root; `None` once the document ended as it should.
    pub(super) fn child(&mut self) -> Result<Option<Element>, String> {
        self.reader.get_mut().allowance = LARGEST_ELEMENT;
        loop {
            match self.step()? {
                Step::Open(element) => return self.fill(element, 1).map(Some),
                Step::Whole(element) => return Ok(Some(element)),
                Step::Close => return self.rest(),
                Step::Text(text) if text.trim().is_empty() => {}
                Step::Nothing => {}
                Step::Text(_) => return Err("there is text between the elements of the KeyContainer".to_owned()),
                Step::End => return Err("the file is cut off: the KeyContainer does not end".to_owned()),
            }
        }
    }

    /// Nothing but white space may follow.
    fn rest(&mut self) -> Result<Option<Element>, String> {
        loop {
            match self.step()? {
                Step::End => return Ok(None),
                Step::Nothing => {}
                Step::Text(text) if text.trim().is_empty() => {}
                _ => return Err("something follows the KeyContainer".to_owned()),
            }
        }
    }

    fn fill(&mut self, mut element: Element, depth: usize) -> Result<Element, String> {
        if depth > DEEPEST {
            return Err("the elements are nested too deeply".to_owned());
        }
        loop {
            match self.step()? {
                Step::Open(child) => {
                    let child = self.fill(child, depth + 1)?;
                    element.children.push(child);
                }
                Step::Whole(child) => element.children.push(child),
                Step::Close => return Ok(element),
                Step::Text(text) => element.text.push_str(&text),
                Step::Nothing => {}
                Step::End => return Err(format!("the file is cut off: {} does not end", element.name)),
            }
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        zeroize::Zeroize::zeroize(&mut self.buffer);
        let (space, event) = self.reader.read_resolved_event_into(&mut self.buffer).map_err(|error| reason(&error))?;
        Ok(match event {
            Event::Start(start) => Step::Open(element(Space::of(&space)?, &start)?),
            Event::Empty(start) => Step::Whole(element(Space::of(&space)?, &start)?),
            Event::End(_) => Step::Close,
            Event::Text(text) => Step::Text(text.xml10_content().into_owned()),
            Event::CData(data) => Step::Text(data.xml10_content().into_owned()),
            Event::GeneralRef(reference) => Step::Text(character(&reference)?),
            Event::Comment(_) | Event::Decl(_) => Step::Nothing,
            Event::PI(_) => return Err("processing instructions are not accepted".to_owned()),
            Event::DocType(_) => return Err("a DTD is not accepted, nor the entities that it declares".to_owned()),
            Event::Eof => Step::End,
        })
    }
}

/// Where a file stops in the middle of markup is no secret; its bytes are not repeated.
fn reason(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Io(error) => error.to_string(),
        quick_xml::Error::Syntax(_) => "the file is cut off or no XML: a piece of markup does not end".to_owned(),
        quick_xml::Error::Encoding(_) => "the file is not in UTF-8".to_owned(),
        _ => "the file is not well-formed XML".to_owned(),
    }
}

fn element(space: Space, start: &BytesStart<'_>) -> Result<Element, String> {
    let name: &str = start.local_name().into_inner();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| format!("{name} has an attribute that is not well-formed, or twice"))?;
        if attributes.len() == MOST_ATTRIBUTES {
            return Err(format!("{name} has too many attributes"));
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| format!("an attribute of {name} refers to an entity; only those of XML itself are known"))?;
        attributes.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
    }
    Ok(Element { space, name: name.to_owned(), attributes, children: Vec::new(), text: String::new() })
}

/// A character by number, or one of the five entities of XML itself.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference)
        .map(str::to_owned)
        .ok_or_else(|| "an entity is not accepted; only those of XML itself are known".to_owned())
}
