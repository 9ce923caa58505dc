//! Forms of the portal and the administrators' pages: fields as values, drawn by one template.

use super::parts::Tone;

/// What a field is typed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// One line.
    Text,
    /// One line of digits, never kept by the browser.
    Digits,
    /// A password.
    Password,
    /// A telephone number.
    Telephone,
    /// A day.
    Date,
    /// Several lines.
    Lines,
    /// Several lines of JSON, in the code face.
    Json,
    /// Yes or no; the value is `1` when ticked.
    Tick,
    /// One of these: value and words.
    Select(Vec<(String, String)>),
    /// A file; the last field of its form.
    File,
    /// Not shown.
    Hidden,
    /// Out of sight, and out of the way of keys and of screen readers: only programs fill it in.
    Trap,
}

impl Control {
    pub(crate) const fn input_type(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Telephone => "tel",
            Self::Date => "date",
            Self::Tick => "checkbox",
            Self::File => "file",
            Self::Hidden => "hidden",
            Self::Text | Self::Digits | Self::Lines | Self::Json | Self::Select(_) | Self::Trap => "text",
        }
    }
}

/// One field. It keeps what was typed and says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the form.
    pub name: String,
    /// Its words.
    pub label: String,
    /// What it is typed into.
    pub control: Control,
    /// What was typed, or what is set now.
    pub value: String,
    /// What to type.
    pub help: Option<String>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Where there is more to read before it is filled in: the path, and words.
    pub link: Option<(String, String)>,
    /// Whether it may stay empty.
    pub required: bool,
}

impl Field {
    /// A field that must be filled in.
    pub fn required(
        name: impl Into<String>,
        label: impl Into<String>,
        control: Control,
        value: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            control,
            value: value.into(),
            help: None,
            error: None,
            link: None,
            required: true,
        }
    }

    /// A field that may stay empty.
    pub fn optional(
        name: impl Into<String>,
        label: impl Into<String>,
        control: Control,
        value: impl Into<String>,
    ) -> Self {
        Self { required: false, ..Self::required(name, label, control, value) }
    }

    /// The same with a line that says what to type.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with what is wrong with it.
    #[must_use]
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    /// The same with a page to read first; it opens beside the form, which keeps what was typed.
    #[must_use]
    pub fn link(mut self, path: impl Into<String>, words: impl Into<String>) -> Self {
        self.link = Some((path.into(), words.into()));
        self
    }

    pub(crate) fn described_by(&self, id: &str) -> Option<String> {
        let error = self.error.is_some().then(|| format!("{id}-error"));
        let help = self.help.is_some().then(|| format!("{id}-help"));
        match (error, help) {
            (Some(error), Some(help)) => Some(format!("{error} {help}")),
            (error, help) => error.or(help),
        }
    }
}

/// A form that posts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its element id; unique on the page.
    pub id: String,
    /// Where it posts to; the page adds its `csrf` field.
    pub action: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The words on its button.
    pub submit: String,
    /// The element id of the button: `continue` for the page's main form.
    pub submit_id: String,
    /// What will happen; destructive forms always say it.
    pub effect: Option<String>,
    /// `Ok` for the main form of a page, `Danger` for what cannot be undone, `Neutral` for the rest.
    pub tone: Tone,
    /// What is wrong with the whole of it.
    pub error: Option<String>,
}

impl Form {
    /// A page's main form: its button is filled and has the id `continue`.
    pub fn main(action: impl Into<String>, submit: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            id: "form".into(),
            action: action.into(),
            fields,
            submit: submit.into(),
            submit_id: "continue".into(),
            effect: None,
            tone: Tone::Ok,
            error: None,
        }
    }

    /// One of several forms of a page; the button's id is `{id}-submit`.
    pub fn side(id: &str, action: impl Into<String>, submit: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            id: id.into(),
            submit_id: format!("{id}-submit"),
            tone: Tone::Neutral,
            ..Self::main(action, submit, fields)
        }
    }

    /// The same, for something that cannot be undone, with its effect in words.
    #[must_use]
    pub fn dangerous(mut self, effect: impl Into<String>) -> Self {
        self.tone = Tone::Danger;
        self.effect = Some(effect.into());
        self
    }

    pub(crate) fn look(&self) -> &'static str {
        match self.tone {
            Tone::Ok => "main",
            Tone::Danger => "danger",
            Tone::Neutral | Tone::Notice | Tone::Warning => "",
        }
    }

    /// The attribute that a form with a file needs.
    pub(crate) fn encoding(&self) -> &'static str {
        let file = self.fields.iter().any(|field| field.control == Control::File);
        if file { " enctype=multipart/form-data" } else { "" }
    }

    pub(crate) fn errors(&self) -> Vec<(String, &str)> {
        self.fields
            .iter()
            .filter_map(|field| field.error.as_deref().map(|error| (self.field_id(field), error)))
            .collect()
    }

    pub(crate) fn field_id(&self, field: &Field) -> String {
        format!("{}-{}", self.id, field.name)
    }
}
