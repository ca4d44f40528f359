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

/// The bytes of a picture of the screen. The desktop's file of it is deleted.
///
/// # Errors
///
/// The desktop has no such service, refuses or fails, or does not answer in time.
pub(super) async fn screenshot(connection: &Connection) -> Result<Vec<u8>, Failure> {
    let taken = tokio::time::timeout(PATIENCE, taken(connection)).await.map_err(|_| {
        let seconds = PATIENCE.as_secs();
        Failure::new(exit::LATER, format!("The desktop took no picture within {seconds} seconds; {ADVICE}."))
    })?;
    let path = path(&taken?)?;
    let bytes = open_regular_file(&path).and_then(|file| read_at_most(file, MAX_BYTES));
    delete(&path)?;
    bytes.map_err(|error| {
        let name = path.display();
        Failure::new(exit::FAILED, format!("The desktop's picture {name} cannot be read: {error}; {ADVICE}."))
    })
}

/// The URI of the picture.
async fn taken(connection: &Connection) -> Result<String, Failure> {
    let request = request(connection)?;
    let proxy = RequestProxy::builder(connection).path(request).build().await.map_err(broken)?;
    let mut responses = proxy.receive_response().await.map_err(broken)?;
    // With `interactive` the desktop shows a tool of its own, which may keep the picture in other places too.
    let options = Options::from([("handle_token", HANDLE.into()), ("interactive", false.into())]);
    ScreenshotProxy::new(connection).await.map_err(broken)?.screenshot("", options).await.map_err(broken)?;
    let response = responses.next().await.ok_or_else(unanswered)?;
    let response = response.args().map_err(broken)?;
    match response.response {
        0 => {
            let uri = response.results.get("uri").and_then(|uri| uri.downcast_ref::<String>().ok());
            uri.ok_or_else(unanswered)
        }
        REFUSED => {
            let sentence = format!("The desktop was not allowed to take a picture; allow it, or {ADVICE}.");
            Err(Failure::new(exit::FAILED, sentence))
        }
        _ => Err(unanswered()),
    }
}

/// The path of our request.
fn request(connection: &Connection) -> Result<String, Failure> {
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

fn unanswered() -> Failure {
    Failure::new(exit::FAILED, format!("The desktop could not take a picture of the screen; {ADVICE}."))
}

fn broken(error: impl Into<zbus::Error>) -> Failure {
    let error = error.into();
    match error.clone().into() {
        fdo::Error::ServiceUnknown(_)
        | fdo::Error::NameHasNoOwner(_)
        | fdo::Error::UnknownObject(_)
        | fdo::Error::UnknownInterface(_)
        | fdo::Error::UnknownMethod(_) => Failure::new(
            exit::FAILED,
            format!("The desktop lets no program take a picture of the screen; {ADVICE}."),
        ),
        _ => Failure::failed("Taking a picture of the screen", error),
    }
}
