//! The terminal, lent to what signs: it may ask for a passphrase.

use tokio::sync::{mpsc, oneshot};

/// Lends the terminal. A command has it all the time; a screen gives it away for as long as it is needed, and takes it back.
#[derive(Clone, Debug, Default)]
pub struct Lender(Option<mpsc::UnboundedSender<Loan>>);

/// Somebody who asks for the terminal, as whoever has it hears of it.
#[derive(Debug)]
pub struct Loan {
    given: oneshot::Sender<()>,
    back: oneshot::Receiver<()>,
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

    /// Waits for the terminal; `None` where it is not to be had any more, as the session ends.
    pub(super) async fn lend(&self) -> Option<Lent> {
        let Some(owner) = &self.0 else {
            return Some(Lent(None));
        };
        let (given, is_given) = oneshot::channel();
        let (sender, back) = oneshot::channel();
        owner.send(Loan { given, back }).ok()?;
        is_given.await.ok()?;
        Some(Lent(Some(sender)))
    }
}

impl Loan {
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
        assert!(Lender::default().lend().await.is_some());

        let (lender, mut loans) = Lender::of_screen();
        let signs = tokio::spawn(async move { (lender.lend().await.is_some(), lender) });
        loans.recv().await.unwrap().give().await;
        let (had_it, lender) = signs.await.unwrap();
        assert!(had_it);

        let signs = tokio::spawn(async move { (lender.lend().await.is_none(), lender) });
        let loan = loans.recv().await.unwrap();
        loans.close();
        drop(loan);
        let (had_none, lender) = signs.await.unwrap();
        assert!(had_none);
        assert!(lender.lend().await.is_none());
    }
}
