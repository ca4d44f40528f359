//! What the smart card service says of a connected card.

use pcsc::Protocol;

/// What the service says of a card. Each question costs four messages to the service, which is as much as a command.
pub(super) struct CardStatus {
    /// Whether the card uses the protocol T=0.
    pub(super) is_t0: bool,
    /// Whether the card has carried out a command since the question.
    pub(super) is_proved: bool,
}

impl CardStatus {
    pub(super) fn ask(card: &pcsc::Transaction<'_>) -> Result<Self, pcsc::Error> {
        let is_t0 = card.status2_owned()?.protocol2() == Some(Protocol::T0);
        Ok(Self { is_t0, is_proved: false })
    }
}
