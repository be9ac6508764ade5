//! The real binary in a terminal of its own.

use crate::support::terminal::{SOON, Setup, key};

/// The harness itself: what it calls restored, and what not.
mod harness {
    use super::*;

    #[test]
    fn keys_go_in_and_the_screen_comes_out() {
        let mut terminal = Setup::program("/bin/sh", &["-c", "read -r a; echo \"got $a\""]).start();
        terminal.press("hello\r");
        terminal.until("the answer", SOON, |view| view.has("got hello"));
        let ended = terminal.ended(SOON);
        assert_eq!((0, None), (ended.exit.code, ended.exit.signal.clone()));
        ended.assert_restored();
    }

    #[test]
    #[should_panic(expected = "alternate screen left")]
    fn a_screen_left_open_is_noticed() {
        let mut terminal = Setup::program("/usr/bin/printf", &["\\033[?1049h"]).start();
        terminal.ended(SOON).assert_restored();
    }

    #[test]
    #[should_panic(expected = "terminal modes")]
    fn a_raw_terminal_is_noticed() {
        let mut terminal = Setup::program("/bin/sh", &["-c", "stty raw -echo"]).start();
        terminal.ended(SOON).assert_restored();
    }

    #[test]
    fn a_job_stops_and_goes_on() {
        let mut terminal = Setup::program("/bin/cat", &[]).in_a_shell().start();
        terminal.press_until("once\r", "it runs", SOON, |view| view.has("once"));
        terminal.press_until(key::CTRL_Z, "it stops", SOON, |view| {
            view.has("gave back 1")
        });
        terminal.assert_restored();
        terminal.press(key::ENTER);
        terminal.press_until("more\r", "it goes on", SOON, |view| view.has("more"));
        terminal.press(key::CTRL_D);
        terminal.until("it ends", SOON, |view| view.has("gave back 0 at last"));
        terminal.ended(SOON).assert_restored();
    }

    #[test]
    fn a_signal_is_told_apart_from_a_code() {
        let mut terminal = Setup::program("/bin/sh", &["-c", "echo up; read -r a"]).start();
        terminal.until("it runs", SOON, |view| view.has("up"));
        terminal.signal("TERM");
        assert!(terminal.ended(SOON).exit.signal.is_some());
        terminal.press(key::ENTER);
    }
}
