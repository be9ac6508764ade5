//! A program in a terminal of its own: keys in, screen out, and how it leaves the terminal behind.
//!
//! The program sees nothing of whoever runs the tests: its environment is [`isolated`]. Whatever is waited for is a
//! condition with a deadline, and a deadline that passes shows the screen as it was. Two test binaries share
//! this file.
#![allow(dead_code)] // neither of them uses all of it
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fmt::Write as _,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{ChildKiller, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

pub use super::view::View;

/// Where the tested binary is.
pub const TIDEGATE: &str = env!("CARGO_BIN_EXE_tidegate");

/// How long anything that needs no other machine may take on a busy one.
pub const SOON: Duration = Duration::from_secs(20);

/// How often a key is tried again by [`Terminal::press_until`]: longer than a confirmation ignores keys for.
const AGAIN: Duration = Duration::from_millis(700);

/// The environment of a program under test: the search path of this process, and beyond that nothing of its user.
pub fn isolated(home: &Path) -> Vec<(String, String)> {
    let folder = |name: &str| home.join(name).display().to_string();
    vec![
        ("PATH".into(), std::env::var("PATH").unwrap_or_default()),
        ("HOME".into(), home.display().to_string()),
        ("XDG_CONFIG_HOME".into(), folder("config")),
        ("XDG_STATE_HOME".into(), folder("state")),
        ("XDG_CACHE_HOME".into(), folder("cache")),
        ("XDG_DATA_HOME".into(), folder("data")),
        ("XDG_RUNTIME_DIR".into(), folder("run")),
        ("TMPDIR".into(), std::env::temp_dir().display().to_string()),
        ("GIT_CONFIG_GLOBAL".into(), "/dev/null".into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ("GIT_AUTHOR_NAME".into(), "Ola Operator".into()),
        ("GIT_AUTHOR_EMAIL".into(), "ola@example.com".into()),
        ("GIT_COMMITTER_NAME".into(), "Ola Operator".into()),
        ("GIT_COMMITTER_EMAIL".into(), "ola@example.com".into()),
        ("TERM".into(), "xterm-256color".into()),
        ("LANG".into(), "C.UTF-8".into()),
    ]
}

/// What to start, and in which surroundings.
pub struct Setup {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: Option<PathBuf>,
    home: Option<PathBuf>,
    size: (u16, u16),
}

impl Setup {
    /// The tested binary with `arguments`, on 120×40.
    pub fn tidegate(arguments: &[&str]) -> Self {
        Self::program(TIDEGATE, arguments)
    }

    /// This program as a job of a shell, which is what makes ^Z mean something. The shell says `job gave back CODE` when
    /// the job stops or ends; at Enter it brings a stopped one to the foreground.
    #[must_use]
    pub fn in_a_shell(mut self) -> Self {
        let script = r#"set -m
"$@"
printf 'job gave back %s\n' "$?"
read -r line
fg >/dev/null
printf 'job gave back %s at last\n' "$?""#;
        let program = self.program.display().to_string();
        let arguments = ["-c", script, "sh", &program].map(ToOwned::to_owned);
        self.arguments.splice(0..0, arguments);
        self.program = "/bin/sh".into();
        self
    }

    /// Any program.
    pub fn program(program: impl AsRef<Path>, arguments: &[&str]) -> Self {
        Self {
            program: program.as_ref().into(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
            folder: None,
            home: None,
            size: (120, 40),
        }
    }

    /// One more variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        let value = value.as_ref().display().to_string();
        self.environment.push((name.into(), value));
        self
    }

    /// The folder it starts in; else its home.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().into());
        self
    }

    /// A home that outlives this run; else one of its own that goes with it.
    #[must_use]
    pub fn home(mut self, home: impl AsRef<Path>) -> Self {
        self.home = Some(home.as_ref().into());
        self
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// Opens the terminal and starts the program in it.
    pub fn start(self) -> Terminal {
        Terminal::start(self)
    }
}

/// A running program and its terminal. Dropped, it takes the program down.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Held open so that the modes can be read after the program has gone.
    slave: Option<Box<dyn SlavePty + Send>>,
    keys: Box<dyn Write + Send>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    pid: u32,
    before: String,
    shared: Arc<Shared>,
    _own_home: Option<tempfile::TempDir>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// Everything that was written, for what a final screen no longer shows.
    written: Vec<u8>,
    drained: bool,
    exit: Option<Exit>,
}

impl State {
    /// Whether no frame is half drawn: the program says where one begins and ends, and what is between is no screen.
    fn is_whole(&self) -> bool {
        let mut tail = self.written.windows(MARK.len()).rev();
        let last =
            tail.find_map(
                |bytes| match bytes.strip_prefix(MARK.split_at(MARK.len() - 1).0)? {
                    b"h" => Some(false),
                    b"l" => Some(true),
                    _ => None,
                },
            );
        last.unwrap_or(true) || self.drained
    }
}

/// What begins a synchronized update; with an `l` at its end it is over.
const MARK: &[u8] = b"\x1b[?2026h";

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 1 where a signal ended it.
    pub code: u32,
    /// The signal's name.
    pub signal: Option<String>,
}

impl Terminal {
    fn start(setup: Setup) -> Self {
        let (columns, rows) = setup.size;
        let pair = native_pty_system()
            .openpty(pty_size(columns, rows))
            .expect("a pseudo terminal");
        let own_home = match setup.home {
            Some(_) => None,
            None => Some(tempfile::tempdir().expect("a temporary home")),
        };
        let home = match (&setup.home, &own_home) {
            (Some(home), _) => home.clone(),
            (None, Some(own)) => own.path().into(),
            (None, None) => unreachable!("one of them was just made"),
        };
        let mut command = CommandBuilder::new(&setup.program);
        command.env_clear();
        for (name, value) in isolated(&home).into_iter().chain(setup.environment) {
            command.env(name, value);
        }
        command.args(&setup.arguments);
        command.cwd(setup.folder.as_deref().unwrap_or(&home));

        let before = modes(pair.master.as_ref());
        let mut child = pair.slave.spawn_command(command).expect("the program");
        let pid = child.process_id().expect("a process id");
        let killer = child.clone_killer();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                parser: vt100::Parser::new(cells(rows), cells(columns), 0),
                written: Vec::new(),
                drained: false,
                exit: None,
            }),
            changed: Condvar::new(),
        });
        let reader = pair.master.try_clone_reader().expect("the output");
        let keys = pair.master.take_writer().expect("the input");
        thread::spawn({
            let shared = shared.clone();
            move || shared.read(reader)
        });
        thread::spawn({
            let shared = shared.clone();
            move || {
                let exit = child.wait().map_or(
                    Exit {
                        code: u32::MAX,
                        signal: None,
                    },
                    |status| Exit {
                        code: status.exit_code(),
                        signal: status.signal().map(Into::into),
                    },
                );
                shared.update(|state| state.exit = Some(exit));
            }
        });
        Self {
            master: pair.master,
            slave: Some(pair.slave),
            keys,
            killer,
            pid,
            before,
            shared,
            _own_home: own_home,
        }
    }

    /// Sends keys as a terminal would. See [`key`] for those without a character.
    pub fn press(&mut self, keys: &str) {
        // A program that is gone takes no keys; what it did instead shows in whatever is waited for next.
        let _ = self.keys.write_all(keys.as_bytes());
        let _ = self.keys.flush();
    }

    /// Clicks at a column and a row, as a terminal tells it.
    pub fn click(&mut self, place: (usize, usize)) {
        self.mouse(0, place, true);
        self.mouse(0, place, false);
    }

    /// Turns the wheel once at a column and a row.
    pub fn wheel(&mut self, up: bool, place: (usize, usize)) {
        self.mouse(if up { 64 } else { 65 }, place, true);
    }

    fn mouse(&mut self, button: u8, (column, row): (usize, usize), down: bool) {
        let end = if down { 'M' } else { 'm' };
        self.press(&format!("\x1b[<{button};{};{}{end}", column + 1, row + 1));
    }

    /// Waits until `condition` holds; then the screen it held on.
    ///
    /// # Panics
    /// With the screen, once `within` is over or the program has ended without it.
    pub fn until(&self, what: &str, within: Duration, condition: impl Fn(&View) -> bool) -> View {
        match self.wait_for(within, &condition) {
            Ok(view) => view,
            Err(view) => panic!(
                "{what}: not within {within:?}{}\n{view}",
                self.exit()
                    .map_or(String::new(), |exit| format!(", and it ended: {exit:?}")),
            ),
        }
    }

    /// Presses `keys` until `condition` holds, again and again: a dialog that has just opened ignores keys for a moment.
    ///
    /// # Panics
    /// As [`Terminal::until`].
    pub fn press_until(
        &mut self,
        keys: &str,
        what: &str,
        within: Duration,
        condition: impl Fn(&View) -> bool,
    ) -> View {
        let end = Instant::now() + within;
        loop {
            self.press(keys);
            let left = end.saturating_duration_since(Instant::now());
            if left <= AGAIN {
                return self.until(what, left, condition);
            }
            if let Ok(view) = self.wait_for(AGAIN, &condition) {
                return view;
            }
        }
    }

    /// The screen as it is now, or after the frame that is being drawn.
    pub fn view(&self) -> View {
        let whole = |state: &State| state.is_whole().then(|| View::of(state.parser.screen()));
        let view = self.shared.wait(Instant::now() + AGAIN, whole);
        view.unwrap_or_else(|| View::of(self.shared.lock().parser.screen()))
    }

    /// Everything written to the terminal so far, escapes included.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().written).into_owned()
    }

    /// Changes the size, as a window does.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.shared
            .update(|state| state.parser.set_size(cells(rows), cells(columns)));
        self.master
            .resize(pty_size(columns, rows))
            .expect("the terminal takes a size");
    }

    /// Sends a signal by name (`TERM`, `HUP`, …) to the program.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name])
            .arg(self.pid.to_string())
            .status()
            .expect("a shell");
        assert!(sent.success(), "SIG{name} to {}", self.pid);
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        self.shared.lock().exit.clone()
    }

    /// Waits for its end, and for all that it wrote.
    ///
    /// # Panics
    /// With the screen, once `within` is over.
    pub fn ended(&mut self, within: Duration) -> Ended {
        let end = Instant::now() + within;
        let exit = self
            .shared
            .wait(end, |state| state.exit.clone())
            .unwrap_or_else(|| panic!("still running after {within:?}\n{}", self.view()));
        let modes = modes(self.master.as_ref());
        self.slave = None;
        let drained = self.shared.wait(end, |state| state.drained.then_some(()));
        assert!(
            drained.is_some(),
            "something still holds the terminal after the program has ended\n{}",
            self.view()
        );
        Ended {
            exit,
            view: self.view(),
            modes_changed: (modes != self.before).then(|| format!("{}\n{modes}", self.before)),
        }
    }

    /// Asserts that the terminal is as the program found it: of use while a job is stopped.
    ///
    /// # Panics
    /// With what is not as it was.
    pub fn assert_restored(&self) {
        self.view().assert_restored();
        assert_eq!(self.before, modes(self.master.as_ref()), "terminal modes");
    }

    fn wait_for(&self, within: Duration, condition: &dyn Fn(&View) -> bool) -> Result<View, View> {
        let met = self.shared.wait(Instant::now() + within, |state| {
            if !state.is_whole() {
                return None;
            }
            let view = View::of(state.parser.screen());
            if condition(&view) {
                Some(Ok(view))
            } else if state.exit.is_some() && state.drained {
                Some(Err(view))
            } else {
                None
            }
        });
        met.unwrap_or_else(|| Err(self.view()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.exit().is_none() {
            let _ = self.killer.kill();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn read(&self, mut reader: Box<dyn Read + Send>) {
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            self.update(|state| {
                state.parser.process(&buffer[..count]);
                state.written.extend_from_slice(&buffer[..count]);
            });
        }
        self.update(|state| state.drained = true);
    }

    fn wait<T>(&self, end: Instant, probe: impl Fn(&State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = probe(&state) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            state = self
                .changed
                .wait_timeout(state, left)
                .map_or_else(|broken| broken.into_inner().0, |(state, _)| state);
        }
    }
}

/// What was left behind.
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// The last screen.
    pub view: View,
    modes_changed: Option<String>,
}

impl Ended {
    /// Asserts that the terminal is as the program found it.
    ///
    /// # Panics
    /// With what is not as it was.
    pub fn assert_restored(&self) {
        self.view.assert_restored();
        assert_eq!(None, self.modes_changed, "terminal modes, before and after");
    }
}

/// Keys without a character of their own, as an xterm sends them.
pub mod key {
    /// Enter.
    pub const ENTER: &str = "\r";
    /// Escape.
    pub const ESC: &str = "\x1b";
    /// ^C.
    pub const CTRL_C: &str = "\x03";
    /// ^D.
    pub const CTRL_D: &str = "\x04";
    /// ^Z.
    pub const CTRL_Z: &str = "\x1a";
    /// Arrow down.
    pub const DOWN: &str = "\x1b[B";
    /// Arrow up.
    pub const UP: &str = "\x1b[A";
    /// Arrow right.
    pub const RIGHT: &str = "\x1b[C";
    /// Arrow left.
    pub const LEFT: &str = "\x1b[D";
    /// Backspace.
    pub const BACKSPACE: &str = "\x7f";
}

/// Raw mode, echo, signal keys and the rest, as text to compare.
fn modes(master: &dyn MasterPty) -> String {
    let mut text = String::new();
    if let Some(modes) = master.get_termios() {
        let _ = write!(
            text,
            "{:?} {:?} {:?} {:?}",
            modes.input_flags, modes.output_flags, modes.control_flags, modes.local_flags
        );
    }
    text
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}
