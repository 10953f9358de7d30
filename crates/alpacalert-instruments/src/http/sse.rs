//! Server-sent events, as the HTML standard describes them, read from parts of any size.

/// An event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerEvent {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// An event was larger than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Takes bytes, gives events. Keeps no more than one event, and no more than its limit.
pub(crate) struct Events {
    limit: usize,
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    /// Whether the last byte was a carriage return, which a line feed may follow without ending another line.
    returned: bool,
}

impl Events {
    /// Reads events of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Events {
            limit,
            line: Vec::new(),
            name: String::new(),
            data: Vec::new(),
            returned: false,
        }
    }

    /// The events that these bytes complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<ServerEvent>, TooLarge> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (part, None),
            };
            let follows = std::mem::take(&mut self.returned);
            if self.line.len() + self.data.len() + text.len() > self.limit {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(text);
            let Some(end) = end else { continue };
            self.returned = end == b'\r';
            if follows && end == b'\n' && text.is_empty() {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            events.extend(self.end_line(&line));
        }
        Ok(events)
    }

    fn end_line(&mut self, line: &[u8]) -> Option<ServerEvent> {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            let data = data.strip_suffix(b"\n")?;
            return Some(ServerEvent {
                name,
                data: String::from_utf8_lossy(data).into_owned(),
            });
        }
        let at = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(at.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            // A comment, or something that we have no use for.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> ServerEvent {
        ServerEvent {
            name: name.to_owned(),
            data: data.to_owned(),
        }
    }

    const STREAM: &str = ": hello\n\nevent: a\ndata: one\ndata:two\nid: 7\n\ndata\n\nevent:none\n\r\nevent: b\r\ndata:  x\r\n\r\ndata: rest";

    #[test]
    fn events_are_read_whatever_the_parts_they_come_in() {
        let expected = [event("a", "one\ntwo"), event("", ""), event("b", " x")];
        for size in 1..STREAM.len() {
            let mut events = Events::new(64);
            let mut read = Vec::new();
            for part in STREAM.as_bytes().chunks(size) {
                read.extend(events.take(part).unwrap());
            }
            assert_eq!(read, expected, "in parts of {size}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut events = Events::new(100);
        let mut parts = std::iter::repeat_n(b"data: 0123456789\n".as_slice(), 100);
        assert!(parts.any(|part| events.take(part) == Err(TooLarge)));
        let mut events = Events::new(100);
        assert_eq!(events.take(&[b'x'; 101]), Err(TooLarge));
    }
}
