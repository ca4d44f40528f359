//! The line in `systemctl --user status oathbridge`: the number of tokens, the problems, and a locked
//! screen.

use sd_notify::NotifyState;
use tokio::sync::watch;

use super::systemd;
use crate::dbus::Summary;

/// Runs until the daemon ends.
pub(super) async fn run(mut summaries: watch::Receiver<Summary>, mut locks: watch::Receiver<bool>) {
    let mut shown = String::new();
    loop {
        let line = line(&summaries.borrow_and_update(), *locks.borrow_and_update());
        if line != shown {
            systemd::notify(&[NotifyState::Status(&line)]);
            shown = line;
        }
        let changed = tokio::select! {
            changed = summaries.changed() => changed,
            changed = locks.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

fn line(summary: &Summary, is_screen_locked: bool) -> String {
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
    if is_screen_locked {
        line.push_str("; the screen is locked or was requested to lock");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_tokens_and_lists_problems() {
        let mut summary = Summary::default();
        assert_eq!(line(&summary, false), "no token attached, reading");
        summary = Summary { settled: true, tokens: 1, ..summary };
        assert_eq!(line(&summary, false), "1 token attached");
        let locked = "1 token attached; the screen is locked or was requested to lock";
        assert_eq!(line(&summary, true), locked);
        summary = Summary { tokens: 3, locked: 2, ..summary };
        summary.problems = ["clock-skew", "config-invalid"].map(str::to_owned).to_vec();
        assert_eq!(
            line(&summary, false),
            "3 tokens attached, 2 locked; problems: clock-skew, config-invalid"
        );
    }
}
