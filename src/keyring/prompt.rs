//! Questions of the keyring to the user. Every call may need one.

use futures_util::StreamExt;
use zbus::{Connection, OwnedObjectPath};

use super::proxies::PromptProxy;
use super::{Error, PATIENCE, Questions, within};

/// The path that stands for no object (Secret Service API).
pub(super) const NONE: &str = "/";

/// Has the question of a call answered, if there is one.
///
/// # Errors
///
/// [`Error::Locked`] if the user must not be asked; [`Error::Dismissed`]; [`Error::Silent`].
pub(super) async fn answered(
    connection: &Connection,
    prompt: &OwnedObjectPath,
    questions: Questions,
) -> Result<(), Error> {
    if prompt.as_str() == NONE {
        return Ok(());
    }
    if questions == Questions::Refused {
        return Err(Error::Locked);
    }
    let proxy = within(PromptProxy::builder(connection).path(prompt.as_ref()).build()).await?;
    let mut completed = within(proxy.receive_completed()).await?;
    within(proxy.prompt("")).await?;
    let end = tokio::time::timeout(PATIENCE, completed.next()).await.map_err(|_| Error::Silent)?;
    let end = end.ok_or(Error::Silent)?;
    if end.args()?.dismissed { Err(Error::Dismissed) } else { Ok(()) }
}
