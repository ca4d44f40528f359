//! A picture of the screen, taken by the desktop.
//!
//! Source: the interfaces `org.freedesktop.portal.Screenshot` and `org.freedesktop.portal.Request` of xdg-desktop-portal.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, fdo};

use super::super::failure::without_number;
use super::super::proxies::Options;
use super::super::{Failure, exit};
use super::MAX_BYTES;
use crate::regular_file::{open_regular_file, read_at_most};

/// How long the desktop may take. It may ask a person whether the picture may be taken.
const PATIENCE: Duration = Duration::from_secs(120);

/// The name of our request, by which its path is known before the call.
const HANDLE: &str = "oathbridgectl";

/// The user refused, or closed the question.
const REFUSED: u32 = 1;

/// What to do if there is no picture of the screen.
const ADVICE: &str = "save the QR code as a picture and use --qr FILE";

#[zbus::proxy(
    interface = "org.freedesktop.portal.Screenshot",
    default_service = "org.freedesktop.portal.Desktop",
    default_path = "/org/freedesktop/portal/desktop"
)]
trait Screenshot {
    fn screenshot(&self, parent_window: &str, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;
}

#[zbus::proxy(
    interface = "org.freedesktop.portal.Request",
    default_service = "org.freedesktop.portal.Desktop"
)]
trait Request {
    #[zbus(signal)]
    fn response(&self, response: u32, results: HashMap<String, OwnedVariant>) -> zbus::Result<()>;
}

/// A requested picture of the screen.
pub(in crate::ctl) struct Screenshot {
    responses: ResponseStream,
}

impl Screenshot {
    /// Asks for a picture of the whole screen. The desktop identifies this process during the call, by files below /proc
    /// that nobody can read once the process is undumpable.
    ///
    /// # Errors
    ///
    /// The desktop has no such service, or refuses.
    pub(in crate::ctl) async fn request(connection: &Connection) -> Result<Self, Failure> {
        tokio::time::timeout(PATIENCE, Self::requested(connection)).await.map_err(|_| silent())?
    }

    async fn requested(connection: &Connection) -> Result<Self, Failure> {
        let request = path_of_request(connection)?;
        let request = RequestProxy::builder(connection).path(request).build().await.map_err(broken)?;
        let responses = request.receive_response().await.map_err(broken)?;
        // With `interactive` the desktop shows a tool of its own, which may keep the picture in other places too.
        let options = Options::from([("handle_token", HANDLE.into()), ("interactive", false.into())]);
        let portal = ScreenshotProxy::new(connection).await.map_err(broken)?;
        portal.screenshot("", options).await.map_err(broken)?;
        Ok(Self { responses })
    }

    /// The bytes of the picture. The desktop's file of it is deleted.
    ///
    /// # Errors
    ///
    /// The desktop refuses or fails, or does not answer in time.
    pub(super) async fn bytes(mut self) -> Result<Vec<u8>, Failure> {
        let response = tokio::time::timeout(PATIENCE, self.responses.next()).await.map_err(|_| silent())?;
        let path = path(&uri(&response.ok_or_else(unanswered)?)?)?;
        let bytes = open_regular_file(&path).and_then(|file| read_at_most(file, MAX_BYTES));
        delete(&path)?;
        bytes.map_err(|error| {
            let name = path.display();
            let sentence = format!("The desktop's picture {name} cannot be read: {error}; {ADVICE}.");
            Failure::new(exit::FAILED, sentence)
        })
    }
}

fn uri(response: &Response) -> Result<String, Failure> {
    let response = response.args().map_err(broken)?;
    match response.response {
        0 => {
            let uri = response.results.get("uri").and_then(|uri| uri.downcast_ref::<String>().ok());
            uri.ok_or_else(unanswered)
        }
        REFUSED => Err(refused()),
        _ => Err(unanswered()),
    }
}

/// The path of our request.
fn path_of_request(connection: &Connection) -> Result<String, Failure> {
    let sender = connection.unique_name().ok_or_else(unanswered)?.trim_start_matches(':').replace('.', "_");
    Ok(format!("/org/freedesktop/portal/desktop/request/{sender}/{HANDLE}"))
}

/// The path of a file URI (RFC 8089).
fn path(uri: &str) -> Result<PathBuf, Failure> {
    let path =
        uri.strip_prefix("file://").and_then(|rest| rest.find('/').and_then(|start| rest.get(start..)));
    let path = path.and_then(|path| percent_decode_str(path).decode_utf8().ok());
    path.map(|path| PathBuf::from(path.into_owned())).ok_or_else(unanswered)
}

/// The picture shows a seed.
fn delete(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let (name, why) = (path.display(), without_number(&error.to_string()));
            let sentence = format!("The picture {name} of the seed stays on the disk ({why}); delete it.");
            Err(Failure::new(exit::FAILED, sentence))
        }
        _ => Ok(()),
    }
}

fn silent() -> Failure {
    let seconds = PATIENCE.as_secs();
    Failure::new(exit::LATER, format!("The desktop took no picture within {seconds} seconds; {ADVICE}."))
}

fn refused() -> Failure {
    let sentence =
        format!("The desktop was not allowed to take a picture of the screen; allow it, or {ADVICE}.");
    Failure::new(exit::FAILED, sentence)
}

fn unanswered() -> Failure {
    Failure::new(exit::FAILED, format!("The desktop could not take a picture of the screen; {ADVICE}."))
}

fn broken(error: impl Into<zbus::Error>) -> Failure {
    match error.into().into() {
        fdo::Error::AccessDenied(_) => refused(),
        fdo::Error::ServiceUnknown(_)
        | fdo::Error::NameHasNoOwner(_)
        | fdo::Error::UnknownObject(_)
        | fdo::Error::UnknownInterface(_)
        | fdo::Error::UnknownMethod(_) => {
            let sentence = format!("The desktop lets no program take a picture of the screen; {ADVICE}.");
            Failure::new(exit::FAILED, sentence)
        }
        _ => unanswered(),
    }
}
