//! Panics, which are mistakes of ours: caught where work begins, and told as a sentence there. None is printed as it comes,
//! and none ends more than the work that it is in.

use std::{
    any::Any,
    cell::RefCell,
    fmt,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
};

use futures::FutureExt;

thread_local! {
    /// The last panic of this thread, with its place, which what is caught does not carry.
    static LAST: RefCell<Option<Mistake>> = const { RefCell::new(None) };
}

/// A panic, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What it said, on one line.
    message: String,
    /// The file and line of ours or a library's, where known.
    place: Option<String>,
    /// The whole report, where one was asked for.
    pub report: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a mistake of Tidegate's own: {}", self.message)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

/// Keeps panics for whoever catches them, instead of printing them. `report` makes the whole report of one, where that is
/// asked for.
pub fn listen(report: impl Fn(&PanicHookInfo<'_>) -> Option<String> + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        let mistake = Mistake {
            message: text_of(info.payload()),
            place: info.location().map(ToString::to_string),
            report: report(info),
        };
        tracing::error!(%mistake, "a task panicked");
        // A thread that is going down has no place to keep it.
        let _ = LAST.try_with(|last| *last.borrow_mut() = Some(mistake));
    }));
}

/// What `work` gives, or the panic that ended it.
///
/// # Errors
/// The panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Mistake> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| of(&*payload))
}

/// The same for a future; to be awaited by its task itself.
///
/// # Errors
/// The panic.
pub async fn caught_in<T>(work: impl Future<Output = T>) -> Result<T, Mistake> {
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.map_err(|payload| of(&*payload))
}

/// How the tests see what becomes of a panic: `TIDEGATE_TEST_PANIC` names the work that it is in, and `overflow` instead of
/// that the end of the stack.
///
/// # Panics
/// Where it is asked to.
#[cfg(debug_assertions)]
pub fn if_asked(work: &str) {
    #[allow(unconditional_recursion)] // until the stack ends
    fn deeper(pages: &[u8; 4096]) -> u8 {
        let more = std::hint::black_box(*pages);
        deeper(&more).wrapping_add(more[0])
    }
    let asked = std::env::var("TIDEGATE_TEST_PANIC").unwrap_or_default();
    if work == "screen" && asked == "overflow" {
        std::hint::black_box(deeper(&[0; 4096]));
    }
    assert!(asked != work, "TIDEGATE_TEST_PANIC asked for it");
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn if_asked(_work: &str) {}

fn of(payload: &(dyn Any + Send)) -> Mistake {
    let last = LAST.try_with(|last| last.borrow_mut().take());
    last.ok().flatten().unwrap_or_else(|| Mistake {
        message: text_of(payload),
        place: None,
        report: None,
    })
}

fn text_of(payload: &dyn Any) -> String {
    let text = match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "it panicked",
    };
    let line = crate::domain::text::sanitise(text);
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_told() {
        assert_eq!(caught(|| 1), Ok(1));
        let mistake = caught(|| -> u8 { panic!("no {}\n", "\u{1b}[31mway") }).unwrap_err();
        assert!(mistake.to_string().contains("no way"), "{mistake}");
        let future = async {
            if true {
                panic::panic_any(7_u8);
            }
        };
        let mistake = caught_in(future).await.unwrap_err();
        assert!(mistake.to_string().contains("it panicked"), "{mistake}");
    }
}
