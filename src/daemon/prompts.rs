//! Shows the action that a person must take as a notification, and removes it as soon as the action is done.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::{Loaded, Notifications};
use crate::desktop::notifications::{Message, Notifier};
use crate::flows::Flows;
use crate::operations::{ActionKind, Operations, UserAction};
use crate::registry::Snapshot;
use crate::text::shown;

/// Runs until the daemon ends.
pub(super) async fn run(
    notifier: Notifier,
    mut configurations: watch::Receiver<Arc<Loaded>>,
    operations: Operations,
    flows: Flows,
) {
    let mut actions = operations.user_actions();
    let mut shown = None;
    loop {
        let kinds = configurations.borrow_and_update().config.notifications;
        let oldest = actions.borrow_and_update().iter().find(|action| is_enabled(kinds, action)).cloned();
        let wanted = oldest.and_then(|action| {
            let message = message(&action, &flows.registry().now())?;
            Some((message, action.operation.deadline()))
        });
        if wanted != shown {
            match wanted.clone() {
                Some((message, deadline)) => notifier.show(message, deadline.left(&**flows.clock())),
                None => notifier.close(),
            }
            shown = wanted;
        }
        let changed = tokio::select! {
            changed = actions.changed() => changed,
            changed = configurations.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

fn is_enabled(kinds: Notifications, action: &UserAction) -> bool {
    let is_wanted = match action.kind {
        ActionKind::Touch => kinds.touch,
        ActionKind::Unlock => kinds.unlock,
        ActionKind::Insert => kinds.insert,
        ActionKind::Consent => false,
    };
    kinds.enabled && is_wanted && !action.operation.request().own_prompt
}

fn message(action: &UserAction, snapshot: &Snapshot) -> Option<Message> {
    let token = action.token.as_ref().and_then(|id| snapshot.tokens.get(id));
    let model = token.map_or_else(|| "your token".to_owned(), |token| shown(&token.info.model));
    let summary = match action.kind {
        ActionKind::Touch => format!("Touch {model}"),
        ActionKind::Unlock => format!("Unlock {model}"),
        ActionKind::Insert => "Plug in your token".to_owned(),
        ActionKind::Consent => return None,
    };
    let who = match action.operation.request().requester.program() {
        "" => "A program",
        name => name,
    };
    let credential = action
        .credential
        .as_ref()
        .and_then(|id| snapshot.tokens.values().find_map(|token| token.credentials.get(id)));
    let what = match credential {
        Some(credential) if credential.name.issuer.is_empty() => {
            format!("the code of {}", shown(&credential.name.account))
        }
        Some(credential) => {
            format!("the code of {}: {}", shown(&credential.name.issuer), shown(&credential.name.account))
        }
        None => "a code".to_owned(),
    };
    let how = match action.kind {
        ActionKind::Unlock => " Run oathbridgectl unlock.",
        _ => "",
    };
    Some(Message { summary, body: format!("{who} wants {what}.{how}") })
}
