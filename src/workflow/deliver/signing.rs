//! The terminal, lent to what signs: it may ask for a passphrase.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// So long the terminal is waited for, which may be somebody else's: an editor's, or a login's.
const PATIENCE: Duration = Duration::from_mins(5);

/// Lends the terminal. A command has it all the time; a screen gives it away for as long as it is needed, and takes it back.
#[derive(Clone, Debug, Default)]
pub struct Lender(Option<mpsc::UnboundedSender<Loan>>);

/// Somebody who asks for the terminal, as whoever has it hears of it.
#[derive(Debug)]
pub struct Loan {
    /// What is signed: `commit`, `tag`.
    pub what: &'static str,
    given: oneshot::Sender<()>,
    back: oneshot::Receiver<()>,
}

/// Why the terminal is not lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLent {
    /// The session ends.
    Ends,
    /// Somebody else has it for so long.
    Taken(Duration),
}

/// The terminal is lent; it is given back when this is dropped.
#[derive(Debug)]
pub struct Lent(#[allow(dead_code)] Option<oneshot::Sender<()>>); // it is dropped

impl Lender {
    /// For a screen: who receives the loans has the terminal.
    pub fn of_screen() -> (Self, mpsc::UnboundedReceiver<Loan>) {
        let (sender, loans) = mpsc::unbounded_channel();
        (Self(Some(sender)), loans)
    }

    /// Waits for the terminal, for what signs this, but not for ever.
    ///
    /// # Errors
    /// Why it is not to be had.
    pub(super) async fn lend(&self, what: &'static str) -> Result<Lent, NotLent> {
        self.lend_within(PATIENCE, what).await
    }

    async fn lend_within(&self, patience: Duration, what: &'static str) -> Result<Lent, NotLent> {
        let Some(owner) = &self.0 else {
            return Ok(Lent(None));
        };
        let (given, is_given) = oneshot::channel();
        let (sender, back) = oneshot::channel();
        let loan = Loan { what, given, back };
        owner.send(loan).map_err(|_| NotLent::Ends)?;
        match timeout(patience, is_given).await {
            Ok(Ok(())) => Ok(Lent(Some(sender))),
            Ok(Err(_)) => Err(NotLent::Ends),
            // Who comes to it later finds nobody who waits.
            Err(_) => Err(NotLent::Taken(patience)),
        }
    }
}

impl Loan {
    /// Whether somebody waits for it still.
    pub fn is_wanted(&self) -> bool {
        !self.given.is_closed()
    }

    /// Gives the terminal away, and waits until it is back.
    pub async fn give(self) {
        if self.given.send(()).is_ok() {
            // Dropped, not sent: that is how it comes back, whatever became of the signer.
            let _ = self.back.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_comes_back_when_it_is_dropped_and_nobody_waits_for_a_screen_that_is_gone() {
        assert!(Lender::default().lend("commit").await.is_ok());

        let (lender, mut loans) = Lender::of_screen();
        let signs = tokio::spawn(async move { (lender.lend("commit").await.is_ok(), lender) });
        loans.recv().await.unwrap().give().await;
        let (had_it, lender) = signs.await.unwrap();
        assert!(had_it);

        // Somebody else has it: nobody waits for ever, and then it is wanted no more.
        let waits = Duration::from_millis(1);
        let late = lender.lend_within(waits, "tag").await.map(|_| ());
        assert_eq!(late, Err(NotLent::Taken(waits)));
        assert!(!loans.recv().await.unwrap().is_wanted());

        let signs = tokio::spawn(async move { (lender.lend("commit").await.is_err(), lender) });
        let loan = loans.recv().await.unwrap();
        assert!(loan.is_wanted());
        loans.close();
        drop(loan);
        let (had_none, lender) = signs.await.unwrap();
        assert!(had_none);
        assert!(lender.lend("commit").await.is_err());
    }
}
