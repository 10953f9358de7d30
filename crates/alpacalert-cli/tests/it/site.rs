//! A web server that answers as a test says, and fails in the ways in which servers do.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it answers from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// With what is true now.
    Well,
    /// Takes the question and says nothing.
    Silent,
    /// Hangs up on whoever calls.
    Closes,
    /// 500, with what would have been the answer.
    Error,
    /// 403, as after somebody took a token away.
    Forbidden,
    /// A page that says that something went wrong, with the status of one on which nothing did.
    Garbage,
    /// A good head without a body.
    Nothing,
    /// The first half of the answer.
    Half,
    /// What was true when it was asked last, as something on the way that remembers for too long.
    Old,
}

/// What there is at a path.
type Answer = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Ends with the process of the tests.
pub(crate) struct Site {
    /// `http://…`, without a slash at its end.
    pub(crate) url: String,
    mode: Arc<Mutex<Mode>>,
}

impl Site {
    pub(crate) fn start(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mode = Arc::new(Mutex::new(Mode::Well));
        let (now, answer) = (mode.clone(), Arc::new(answer) as Arc<Answer>);
        let before = Arc::<Mutex<HashMap<String, String>>>::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (now, answer, before) = (now.clone(), answer.clone(), before.clone());
                std::thread::spawn(move || {
                    let patience = Some(Duration::from_secs(10));
                    let _ = stream.set_write_timeout(patience);
                    // Whoever asked may have hung up.
                    let _ = serve(stream, &now, &*answer, &before);
                });
            }
        });
        Site {
            url: format!("http://{address}"),
            mode,
        }
    }

    pub(crate) fn now(&self, mode: Mode) {
        *self.mode.lock().expect("a mode") = mode;
    }
}

fn serve(
    mut stream: TcpStream,
    mode: &Mutex<Mode>,
    answer: &Answer,
    before: &Mutex<HashMap<String, String>>,
) -> std::io::Result<()> {
    let mut asked = [0; 8192];
    let read = stream.read(&mut asked)?;
    let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let mode = *mode.lock().expect("a mode");
    let mut before = before.lock().expect("what was said before");
    if mode != Mode::Old {
        let true_now = answer(path);
        before.extend(true_now.map(|body| (path.to_owned(), body)));
    }
    let body = before.get(path).cloned();
    drop(before);
    let mut say = |status: &str, body: &str, send: &str| {
        let age = if mode == Mode::Old {
            "Age: 1000\r\n"
        } else {
            ""
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{age}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(send.as_bytes())
    };
    let Some(body) = body else {
        return say("404 Not Found", "", "");
    };
    match mode {
        Mode::Well | Mode::Old => say("200 OK", &body, &body),
        Mode::Silent => {
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        Mode::Closes => Ok(()),
        Mode::Error => say("500 Internal Server Error", &body, &body),
        Mode::Forbidden => say("403 Forbidden", &body, &body),
        Mode::Garbage => {
            let page = "<html>something went wrong</html>";
            say("200 OK", page, page)
        }
        Mode::Nothing => say("200 OK", "", ""),
        Mode::Half => {
            let half = body.len() / 2;
            let half = (0..=half).rev().find(|at| body.is_char_boundary(*at));
            say("200 OK", &body, &body[..half.unwrap_or(0)])
        }
    }
}
