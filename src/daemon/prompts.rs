//! Shows the action that a person must take as a notification, and removes it as soon as the action is done.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::{Loaded, Notifications};
use crate::desktop::notifications::{Message, Notifier};
use crate::flows::Flows;
use crate::operations::{Need, Operations, Wait};
use crate::registry::Snapshot;

/// Runs until the daemon ends.
pub(super) async fn run(
    notifier: Notifier,
    mut configurations: watch::Receiver<Arc<Loaded>>,
    operations: Operations,
    flows: Flows,
) {
    let mut waits = operations.waits();
    let mut shown = None;
    loop {
        let kinds = configurations.borrow_and_update().config.notifications;
        let oldest = waits.borrow_and_update().iter().find(|wait| is_told(kinds, wait)).cloned();
        let wanted = oldest.and_then(|wait| {
            let message = message(&wait, &flows.registry().now())?;
            Some((message, wait.operation.deadline()))
        });
        if wanted != shown {
            match wanted.clone() {
                Some((message, deadline)) => notifier.show(message, deadline.left(&**flows.clock())),
                None => notifier.close(),
            }
            shown = wanted;
        }
        let changed = tokio::select! {
            changed = waits.changed() => changed,
            changed = configurations.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

fn is_told(kinds: Notifications, wait: &Wait) -> bool {
    let is_wanted = match wait.need {
        Need::Touch => kinds.touch,
        Need::Unlock => kinds.unlock,
        Need::Insert => kinds.insert,
        Need::Consent => false,
    };
    kinds.enabled && is_wanted && !wait.operation.request().own_prompt
}

fn message(wait: &Wait, snapshot: &Snapshot) -> Option<Message> {
    let token = wait.token.as_ref().and_then(|id| snapshot.tokens.get(id));
    let model = token.map_or("your token", |token| token.info.model.as_str());
    let summary = match wait.need {
        Need::Touch => format!("Touch {model}"),
        Need::Unlock => format!("Unlock {model}"),
        Need::Insert => "Plug in your token".to_owned(),
        Need::Consent => return None,
    };
    let who = match wait.operation.request().requester.program() {
        "" => "A program",
        name => name,
    };
    let credential = wait
        .credential
        .as_ref()
        .and_then(|id| snapshot.tokens.values().find_map(|token| token.credentials.get(id)));
    let what = match credential {
        Some(credential) if credential.name.issuer.is_empty() => {
            format!("the code of {}", credential.name.account)
        }
        Some(credential) => format!("the code of {}: {}", credential.name.issuer, credential.name.account),
        None => "a code".to_owned(),
    };
    let how = match wait.need {
        Need::Unlock => " Run oathbridgectl unlock.",
        _ => "",
    };
    Some(Message { summary, body: format!("{who} wants {what}.{how}") })
}
