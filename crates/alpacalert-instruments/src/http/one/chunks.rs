//! A body in chunks (RFC 9112, section 7.1), read strictly: what readers take in different ways ends in different places.

use super::{Fault, HEAD_BYTES};

/// What fits 64 bits, so that leading zeros do not go on without end.
const MOST_DIGITS: u8 = 16;

/// Where in the chunks we are: what the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    FirstDigit,
    Digits,
    /// White space after the size.
    Padding,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The beginning of a trailer, or of the line that ends the body.
    Line,
    Name,
    Value,
    LineLf,
    LastLf,
    Done,
}

/// The decoder.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// Of the chunk, what is still to come of it.
    size: u64,
    digits: u8,
    /// How many bytes of extensions and trailers there were. They are skipped.
    aside: usize,
}

impl Chunks {
    pub(super) fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Adds the data in these bytes to `out`; how many of them belong to the body.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Fault> {
        let mut rest = bytes;
        while let (Some((byte, behind)), false) = (rest.split_first(), self.is_done()) {
            if self.at != At::Data {
                self.at = self.step(*byte)?;
                rest = behind;
                continue;
            }
            let size = usize::try_from(self.size).unwrap_or(usize::MAX);
            let (data, behind) = rest.split_at(size.min(rest.len()));
            out.extend_from_slice(data);
            self.size -= data.len() as u64;
            rest = behind;
            if self.size == 0 {
                self.at = At::DataCr;
            }
        }
        Ok(bytes.len() - rest.len())
    }

    fn step(&mut self, byte: u8) -> Result<At, Fault> {
        let next = match (self.at, byte) {
            (At::FirstDigit | At::Digits, _) if byte.is_ascii_hexdigit() => {
                return self.digit(byte);
            }
            (At::Digits | At::Padding | At::Extension, b'\r') => At::SizeLf,
            (At::Digits | At::Padding, b' ' | b'\t') => At::Padding,
            (At::Digits | At::Padding, b';') => At::Extension,
            (At::Extension, _) if is_text(byte) => At::Extension,
            (At::SizeLf, b'\n') => {
                self.digits = 0;
                if self.size == 0 { At::Line } else { At::Data }
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::FirstDigit,
            (At::Line, b'\r') => At::LastLf,
            (At::LastLf, b'\n') => At::Done,
            (At::Line | At::Name, _) if is_token(byte) => At::Name,
            (At::Name, b':') => At::Value,
            (At::Value, _) if is_text(byte) => At::Value,
            (At::Value, b'\r') => At::LineLf,
            (At::LineLf, b'\n') => At::Line,
            (at, _) => return Err(Fault::unclear(wrong(at))),
        };
        if matches!(next, At::Padding | At::Extension | At::Name | At::Value) {
            self.aside += 1;
            if self.aside > HEAD_BYTES {
                let kib = HEAD_BYTES / 1024;
                let text =
                    format!("the extensions and trailers of the chunks are larger than {kib} KiB");
                return Err(Fault::unclear(text));
            }
        }
        Ok(next)
    }

    fn digit(&mut self, byte: u8) -> Result<At, Fault> {
        self.digits += 1;
        if self.digits > MOST_DIGITS {
            return Err(Fault::unclear("the size of a chunk is too large"));
        }
        let value = char::from(byte).to_digit(16).unwrap_or_default();
        self.size = self.size << 4 | u64::from(value);
        Ok(At::Digits)
    }
}

fn wrong(at: At) -> &'static str {
    match at {
        At::FirstDigit | At::Digits | At::Padding => {
            "the size of a chunk is not a hexadecimal number"
        }
        At::Extension => "an extension of a chunk holds a control character",
        At::DataCr => "a chunk is longer than its size",
        At::SizeLf | At::DataLf | At::LineLf | At::LastLf => {
            "a line of the chunks does not end with CR LF"
        }
        At::Line | At::Name => "a trailer has no proper name",
        At::Value => "the value of a trailer holds a control character",
        At::Data | At::Done => "there is more than the chunks",
    }
}

/// What may stand in a value: RFC 9110, section 5.5.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// What a name is made of: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
