//! The line in `systemctl --user status oathbridge`: the number of tokens, the problems, and a locked screen.

use sd_notify::NotifyState;
use tokio::sync::watch;

use super::systemd;
use crate::dbus::{ScreenLock, Summary};

/// Runs until the daemon ends.
pub(super) async fn run(mut summaries: watch::Receiver<Summary>, mut screen: watch::Receiver<ScreenLock>) {
    let mut shown = String::new();
    loop {
        let line = line(&summaries.borrow_and_update(), *screen.borrow_and_update());
        if line != shown {
            systemd::notify(&[NotifyState::Status(&line)]);
            shown = line;
        }
        let changed = tokio::select! {
            changed = summaries.changed() => changed,
            changed = screen.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

fn line(summary: &Summary, screen: ScreenLock) -> String {
    let mut line = match summary.tokens {
        0 => "no token attached".to_owned(),
        1 => "1 token attached".to_owned(),
        many => format!("{many} tokens attached"),
    };
    if summary.locked > 0 {
        line.push_str(&format!(", {} locked", summary.locked));
    }
    if !summary.settled {
        line.push_str(", reading");
    }
    if !summary.problems.is_empty() {
        line.push_str(&format!("; problems: {}", summary.problems.join(", ")));
    }
    line.push_str(match screen {
        ScreenLock::Unlocked => "",
        ScreenLock::Unknown => "; it is not known whether the screen is locked",
        ScreenLock::Requested => "; the screen was requested to lock",
        ScreenLock::Locked => "; the screen is locked",
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_tokens_and_lists_problems() {
        let mut summary = Summary::default();
        assert_eq!(line(&summary, ScreenLock::Unlocked), "no token attached, reading");
        summary = Summary { settled: true, tokens: 1, ..summary };
        assert_eq!(line(&summary, ScreenLock::Unlocked), "1 token attached");
        assert_eq!(line(&summary, ScreenLock::Locked), "1 token attached; the screen is locked");
        let requested = "1 token attached; the screen was requested to lock";
        assert_eq!(line(&summary, ScreenLock::Requested), requested);
        summary = Summary { tokens: 3, locked: 2, ..summary };
        summary.problems = ["clock-skew", "config-invalid"].map(str::to_owned).to_vec();
        assert_eq!(
            line(&summary, ScreenLock::Unlocked),
            "3 tokens attached, 2 locked; problems: clock-skew, config-invalid"
        );
    }
}
