//! Characters: for terminals that show everything, and for those that show ASCII. States have theirs in [`look`].

use crate::{
    domain::{cell::State, drift::Skew},
    look,
};

/// The characters in use.
#[derive(Clone, Copy, Debug)]
pub struct Glyphs {
    ascii: bool,
    /// Where text is cut.
    pub ellipsis: &'static str,
    /// From this to that.
    pub arrow: &'static str,
    /// Worst or last first, and the other way round.
    pub order: (&'static str, &'static str),
    /// Something staged.
    pub staged: &'static str,
    /// Done part of a progress bar, and the rest.
    pub bar: (&'static str, &'static str),
    /// In front of what is selected in a list.
    pub pointer: &'static str,
    /// In front of a marked cell.
    pub mark: &'static str,
    /// Boxes.
    pub lines: Lines,
}

/// Characters of boxes.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// `─`
    pub horizontal: &'static str,
    /// `│`
    pub vertical: &'static str,
    /// `╭ ╮ ╯ ╰`
    pub corners: [&'static str; 4],
    /// `├ ┤ ┬ ┴`
    pub tees: [&'static str; 4],
}

impl Glyphs {
    /// The set for this terminal.
    pub fn new(ascii: bool) -> Self {
        if ascii {
            Self {
                ascii,
                ellipsis: "..",
                arrow: "->",
                order: ("v", "^"),
                staged: "+",
                bar: ("#", "-"),
                pointer: ">",
                mark: "*",
                lines: Lines {
                    horizontal: "-",
                    vertical: "|",
                    corners: ["+", "+", "+", "+"],
                    tees: ["+", "+", "+", "+"],
                },
            }
        } else {
            Self {
                ascii,
                ellipsis: "…",
                arrow: "→",
                order: ("▾", "▴"),
                staged: "+",
                bar: ("▰", "▱"),
                pointer: "▸",
                mark: "*",
                lines: Lines {
                    horizontal: "─",
                    vertical: "│",
                    corners: ["╭", "╮", "╯", "╰"],
                    tees: ["├", "┤", "┬", "┴"],
                },
            }
        }
    }

    /// The glyph of a state, one column wide.
    pub fn state(self, state: State) -> &'static str {
        look::of(state).glyph(self.ascii)
    }

    /// How a cell stands to its upstream: `↑2`.
    pub fn skew(self, skew: Skew) -> String {
        look::skew(skew, self.ascii)
    }

    /// The glyph of that without a count.
    pub fn skew_glyph(self, skew: Skew) -> &'static str {
        look::skew_glyph(skew, self.ascii)
    }

    /// Replaces what an ASCII terminal cannot show.
    pub fn text(self, text: &str) -> std::borrow::Cow<'_, str> {
        if !self.ascii || text.is_ascii() {
            return text.into();
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '→' => out.push_str("->"),
                '…' => out.push_str(".."),
                '×' => out.push('x'),
                '–' | '—' => out.push('-'),
                '“' | '”' => out.push('"'),
                '‘' | '’' => out.push('\''),
                c if c.is_ascii() => out.push(c),
                _ => out.push('?'),
            }
        }
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn bars_and_orders_are_of_one_width_everywhere() {
        let Glyphs { bar, order, .. } = Glyphs::new(false);
        for glyph in [bar.0, bar.1, order.0, order.1] {
            assert_eq!(glyph.width_cjk(), 1, "{glyph}");
        }
    }
}
