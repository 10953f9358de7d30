//! A real browser, driven over WebDriver: a headless Chromium.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::{Process, TempDir, free_port, require, temp_dir, wait_until};

/// How long the driver may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a page may take to become as a test wants it.
const SOON: Duration = Duration::from_secs(30);

/// What keeps Chromium from talking to anybody but us, and lets it run where there is no screen.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-search-engine-choice-screen",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--window-size=1280,900",
];

/// A browser with one window. It ends when this is dropped.
pub struct Browser {
    port: u16,
    session: String,
    /// What runs before every page.
    before: Mutex<Vec<Value>>,
    _driver: Process,
    _folder: TempDir,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The one browser of this process, which its tests use one after the other. It ends with the last of them that waits.
#[derive(Clone, Debug)]
pub struct SharedBrowser(Arc<Mutex<Browser>>);

impl SharedBrowser {
    /// The browser, started if nobody has it; `None` after having said that the test is skipped, where there is none.
    pub fn get() -> Option<SharedBrowser> {
        static SHARED: Mutex<Weak<Mutex<Browser>>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(SharedBrowser(running));
        }
        let started = Arc::new(Mutex::new(Browser::start()?));
        *shared = Arc::downgrade(&started);
        Some(SharedBrowser(started))
    }

    /// Waits for the window, as if it had just been opened.
    pub fn window(&self) -> MutexGuard<'_, Browser> {
        // What another test left is taken away, whether it failed or not.
        let browser = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        browser.reset();
        browser
    }
}

impl Browser {
    /// Starts one; `None` after having said that the test is skipped, where it is not installed.
    ///
    /// # Panics
    ///
    /// When it is installed and does not start.
    pub fn start() -> Option<Browser> {
        let (chromium, driver) = (require("chromium")?, require("chromedriver")?);
        let folder = temp_dir();
        let port = free_port();
        let mut command = Command::new(driver);
        command
            .arg(format!("--port={port}"))
            .env("HOME", folder.path());
        let mut driver = Process::start(&mut command, &folder.path().join("driver.log"));
        driver.wait_for_port(port);
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags, "binary": chromium },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }}});
        let opened = call(port, "POST", "/session", Some(&wanted));
        let session = opened["sessionId"].as_str();
        let session = session
            .unwrap_or_else(|| panic!("chromium does not start: {opened}: {}", driver.logged()));
        Some(Browser {
            port,
            session: session.to_owned(),
            before: Mutex::default(),
            _driver: driver,
            _folder: folder,
        })
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = call(
            self.port,
            method,
            &format!("/session/{}{path}", self.session),
            body,
        );
        if let Some(error) = answer.get("error") {
            panic!("the browser says {error} to {path}: {}", answer["message"]);
        }
        answer
    }

    fn reset(&self) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        for identifier in before.drain(..) {
            let which = json!({ "identifier": identifier });
            self.devtools("Page.removeScriptToEvaluateOnNewDocument", &which);
        }
        self.devtools(
            "Emulation.setScriptExecutionDisabled",
            &json!({ "value": false }),
        );
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "media": "", "features": [] }),
        );
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.clearBrowserCookies", &json!({}));
        self.size(1280, 900);
        self.go("about:blank");
        self.logs("browser");
        self.logs("performance");
    }

    /// Loads a page, and waits until that is done.
    pub fn go(&self, url: &str) {
        self.ask("POST", "/url", Some(&json!({ "url": url })));
    }

    /// Runs a script in the page, as the body of a function, and gives back what it returns.
    pub fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.ask("POST", "/execute/sync", Some(&body))
    }

    /// Runs a script in the page whose last argument, `done`, is called with what to give back.
    pub fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        let body = json!({ "script": script, "args": [] });
        self.ask("POST", "/execute/async", Some(&body))
    }

    /// Waits until an expression in the page is true.
    ///
    /// # Panics
    ///
    /// When it does not become so within half a minute.
    pub fn wait(&self, expression: &str) {
        wait_until(SOON, || {
            match self.run(&format!("return !!({expression})")) {
                Value::Bool(true) => Ok(()),
                _ => Err(format!("not yet: {expression}")),
            }
        });
    }

    /// The text of the first element that fits; empty when there is none.
    pub fn text(&self, selector: &str) -> String {
        let script = format!(
            "const found = document.querySelector({}); return found ? found.innerText : ''",
            json!(selector)
        );
        self.run(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Presses keys, one after the other. What has no character has the one that WebDriver gives it: see [`Browser::DOWN`].
    pub fn keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key.to_string() }))
        });
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes.collect::<Vec<_>>() }] });
        self.ask("POST", "/actions", Some(&actions));
    }

    /// Keys as [`Browser::keys`] takes them.
    pub const DOWN: &'static str = "\u{e015}";
    /// Up.
    pub const UP: &'static str = "\u{e013}";
    /// Left.
    pub const LEFT: &'static str = "\u{e012}";
    /// Right.
    pub const RIGHT: &'static str = "\u{e014}";
    /// Enter.
    pub const ENTER: &'static str = "\u{e007}";
    /// Escape.
    pub const ESCAPE: &'static str = "\u{e00c}";

    /// A command of the browser's development tools.
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        self.ask("POST", "/goog/cdp/execute", Some(&body))
    }

    /// Makes the window this large, in CSS pixels.
    pub fn size(&self, width: u32, height: u32) {
        let phone = width < 600;
        let params =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", &params);
    }

    /// Prefers `light` or `dark` colours, and no motion.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// Whether pages may run scripts; from the next page on.
    pub fn scripts(&self, allowed: bool) {
        self.devtools(
            "Emulation.setScriptExecutionDisabled",
            &json!({ "value": !allowed }),
        );
    }

    /// Runs a script before every page from now on, until the window is another test's.
    pub fn before_every_page(&self, script: &str) {
        let added = self.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({ "source": script }),
        );
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        before.push(added["identifier"].clone());
    }

    /// A picture of the page from its top to its end, but no higher than this: a PNG.
    ///
    /// # Panics
    ///
    /// When the browser gives none.
    pub fn picture(&self, width: u32, most: u32) -> Vec<u8> {
        let size = self.devtools("Page.getLayoutMetrics", &json!({}));
        let height = size["cssContentSize"]["height"]
            .as_f64()
            .unwrap_or(f64::from(most));
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height.min(f64::from(most)), "scale": 1 });
        let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.devtools("Page.captureScreenshot", &params);
        let text = shot["data"].as_str().unwrap_or_default();
        let decoded = base64::engine::general_purpose::STANDARD.decode(text);
        decoded.expect("a picture in base64")
    }

    /// What was logged since the last time: `browser` for the page's console, `performance` for the network.
    pub fn logs(&self, kind: &str) -> Vec<Value> {
        let entries = self.ask("POST", "/se/log", Some(&json!({ "type": kind })));
        entries.as_array().cloned().unwrap_or_default()
    }

    /// The addresses of everything that pages asked for since the last time.
    pub fn requests(&self) -> Vec<String> {
        let entries = self.logs("performance").into_iter();
        let messages = entries.filter_map(|entry| {
            let text = entry["message"].as_str()?.to_owned();
            serde_json::from_str::<Value>(&text).ok()
        });
        let sent = messages.filter_map(|message| {
            let message = &message["message"];
            let sent = message["method"] == "Network.requestWillBeSent";
            let url = message["params"]["request"]["url"].as_str()?;
            sent.then(|| url.to_owned())
        });
        sent.collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends it too, but not always before its folder is removed.
        if !std::thread::panicking() {
            call(
                self.port,
                "DELETE",
                &format!("/session/{}", self.session),
                None,
            );
        }
    }
}

/// One question to the driver; gives back its `value`.
fn call(port: u16, method: &str, path: &str, body: Option<&Value>) -> Value {
    let asked = exchange(port, method, path, body);
    asked.unwrap_or_else(|error| json!({ "error": "no answer", "message": error.to_string() }))
}

fn exchange(port: u16, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap_or(0);
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut answer: Value = serde_json::from_slice(&body)?;
    Ok(answer["value"].take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_loaded_and_asked() {
        let Some(shared) = SharedBrowser::get() else {
            return;
        };
        let browser = shared.window();
        browser.go("data:text/html,<title>a</title><p>b");
        assert_eq!(browser.run("return document.title"), "a");
        assert_eq!(browser.text("p"), "b");
        let picture = browser.picture(400, 300);
        assert!(picture.starts_with(b"\x89PNG"), "{:?}", &picture[..8]);
    }
}
