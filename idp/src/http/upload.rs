//! A form with a file: its fields first, then the file as a stream that is never on disk.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};

use super::csrf;
use super::extract::{Browser, same_origin};
use super::page::PageFailure;
use crate::app::App;
use crate::cx::Cx;

/// Bytes of all fields together, without the file.
const MAX_FIELDS: usize = 64 * 1024;

/// A form with a file that one of our own pages posted. The file must be its last field.
pub struct Upload {
    fields: BTreeMap<String, String>,
    /// The file.
    pub file: UploadedFile,
    /// The browser that posted it.
    pub browser: Browser,
    /// The request's context.
    pub cx: Cx,
}

impl Upload {
    /// A field, trimmed; empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.trim())
    }

    /// A field exactly as typed; for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Bytes of a file that are let go by after its reader has refused it: a browser shows no answer before it has sent all.
const LET_GO_BY: u64 = 4 * 1024 * 1024 * 1024;

/// A file as it comes in, for a thread that may wait.
pub struct UploadedFile {
    /// Its name on the sender's side.
    pub name: String,
    /// Whether somebody who may has begun to read it: what comes of anybody else is not waited for.
    begun: Arc<AtomicBool>,
    chunks: mpsc::Receiver<Result<Bytes, MultipartError>>,
    current: Bytes,
}

impl Read for UploadedFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.begun.store(true, Ordering::Relaxed);
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(_)) => return Err(std::io::Error::other("the upload broke off")),
            }
        }
        let count = self.current.len().min(buffer.len());
        let taken = self.current.split_to(count);
        if let Some(to) = buffer.get_mut(..count) {
            to.copy_from_slice(&taken);
        }
        Ok(count)
    }
}

impl FromRequest<Arc<App>> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(cx) = Cx::from_request_parts(&mut parts, app).await;
        let Ok(browser) = Browser::from_request_parts(&mut parts, app).await;
        if !same_origin(&parts.headers, app) {
            return Err(PageFailure::ForeignForm.respond(&cx));
        }
        let request = Request::from_parts(parts, body);
        let Ok(multipart) = Multipart::from_request(request, app).await else {
            return Err(PageFailure::StaleForm.respond(&cx));
        };
        let (told, fields) = oneshot::channel();
        let (sender, chunks) = mpsc::channel(4);
        let begun = Arc::new(AtomicBool::new(false));
        tokio::spawn(hand_on(multipart, told, (sender, Arc::clone(&begun))));
        let Ok(Some((name, fields))) = fields.await else {
            return Err(PageFailure::FormTooLarge.respond(&cx));
        };
        let proof: Option<&String> = fields.get("csrf");
        if !proof.is_some_and(|given| csrf::holds(&app.secrets.csrf, browser.token(), given)) {
            return Err(PageFailure::StaleForm.respond(&cx));
        }
        Ok(Self { fields, file: UploadedFile { name, begun, chunks, current: Bytes::new() }, browser, cx })
    }
}

type Fields = (String, BTreeMap<String, String>);

/// Reads the fields up to the file, tells them, and hands the file on; it ends when nobody reads it any more.
async fn hand_on(
    mut multipart: Multipart,
    told: oneshot::Sender<Option<Fields>>,
    (chunks, begun): (mpsc::Sender<Result<Bytes, MultipartError>>, Arc<AtomicBool>),
) {
    let (mut fields, mut size) = (BTreeMap::new(), 0);
    while let Ok(Some(mut field)) = multipart.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file = field.file_name().unwrap_or_default().chars().filter(|it| !it.is_control()).take(80).collect();
            if told.send(Some((file, fields))).is_err() {
                return;
            }
            while let Some(chunk) = field.chunk().await.transpose() {
                if chunks.send(chunk).await.is_err() {
                    if begun.load(Ordering::Relaxed) {
                        let_go_by(&mut field).await;
                    }
                    return;
                }
            }
            return;
        }
        let Some(value) = short(&mut field, &mut size).await else { break };
        fields.entry(name).or_insert(value);
    }
    let _ = told.send(None);
}

/// Reads on, and keeps nothing.
async fn let_go_by(field: &mut Field<'_>) {
    let mut size = 0;
    while let Ok(Some(chunk)) = field.chunk().await {
        size += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if size > LET_GO_BY {
            return;
        }
    }
}

async fn short(field: &mut Field<'_>, size: &mut usize) -> Option<String> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = field.chunk().await {
        *size += chunk.len();
        if *size > MAX_FIELDS {
            return None;
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).ok()
}
