//! A headless browser, driven by the Chrome DevTools Protocol (<https://chromedevtools.github.io/devtools-protocol/>) over pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    next: u64,
    /// What the page requested, and what went wrong in it: texts of exceptions, console errors, and refusals of its policy.
    pub requests: Vec<String>,
    pub errors: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Starts a browser of this size.
    pub fn start(program: &Path, width: u32, height: u32) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        // The browser reads commands from file descriptor 3 and writes to 4.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2"]).arg(program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
        command.args(["--disable-dev-shm-usage", "--remote-debugging-pipe", "about:blank"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap());
        let (requests, errors) = (Vec::new(), Vec::new());
        let mut browser = Browser { process, to, from, session: Value::Null, next: 0, requests, errors, _profile: profile };
        let target = browser.send("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.send("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.send(&format!("{domain}.enable"), json!({}));
        }
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.send("Emulation.setDeviceMetricsOverride", size);
        browser
    }

    /// Sends a command and waits for its result.
    pub fn send(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut command = json!({"id": self.next, "method": method, "params": parameters});
        if self.session != Value::Null {
            command["sessionId"] = self.session.clone();
        }
        let mut text = serde_json::to_vec(&command).unwrap();
        text.push(0);
        self.to.write_all(&text).expect("the browser is there");
        loop {
            let message = self.read();
            if message["id"] == json!(self.next) {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    fn read(&mut self) -> Value {
        let mut text = Vec::new();
        self.from.read_until(0, &mut text).unwrap();
        assert_eq!(text.pop(), Some(0), "the browser ended");
        serde_json::from_slice(&text).unwrap()
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str() {
            Some("Network.requestWillBeSent") => self.requests.push(parameters["request"]["url"].as_str().unwrap().to_owned()),
            Some("Runtime.exceptionThrown") => self.errors.push(parameters["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if parameters["type"] == "error" => self.errors.push(parameters.to_string()),
            Some("Log.entryAdded") => self.errors.push(parameters["entry"].to_string()),
            _ => {}
        }
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&mut self, url: &str) {
        self.send("Page.navigate", json!({"url": "about:blank"}));
        self.send("Page.navigate", json!({"url": url}));
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'");
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn eval(&mut self, expression: &str) -> Value {
        let result =
            self.send("Runtime.evaluate", json!({"expression": expression, "awaitPromise": true, "returnByValue": true}));
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression holds: at most a minute, for that the page never gets there is a failure.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        for _ in 0..1200 {
            if self.eval(&format!("Boolean({expression})")) == json!(true) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let text = self.eval("document.body.innerText");
        panic!("it never holds: {expression}\n{:?}\n{text}", self.errors);
    }

    /// The texts of all elements that a selector finds.
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let found = self.eval(&format!("[...document.querySelectorAll({})].map((e) => e.textContent)", json!(selector)));
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// Clicks in the middle of the first element that a selector finds, as a mouse does.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.until(&format!("document.querySelector({})", json!(selector)));
        let script = "(async (e) => { e.scrollIntoView({block: 'center', inline: 'center'}); \
                      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); \
                      const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })";
        let place = self.eval(&format!("{script}(document.querySelector({}))", json!(selector)));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.send("Input.dispatchMouseEvent", event);
        }
    }

    /// Types text in the place of what is selected where the focus is.
    pub fn insert(&mut self, text: &str) {
        if text.is_empty() {
            self.send("Input.dispatchKeyEvent", json!({"type": "keyDown", "key": "Delete", "windowsVirtualKeyCode": 46}));
        }
        self.send("Input.insertText", json!({"text": text}));
    }

    /// Presses a key, by its name in `KeyboardEvent.key`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "/" => 191,
            _ => panic!("no code for {key}"),
        };
        let text = match key {
            "Enter" => "\r",
            "/" => "/",
            _ => "",
        };
        let mut event = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        if !text.is_empty() {
            event["text"] = json!(text);
        }
        self.send("Input.dispatchKeyEvent", event);
        self.send("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Chooses an option, and tells the page as a person's choice does.
    pub fn choose(&mut self, selector: &str, value: &str) {
        let script = "((e, v) => { e.value = v; e.dispatchEvent(new Event('change', {bubbles: true})); })";
        self.eval(&format!("{script}(document.querySelector({}), {})", json!(selector), json!(value)));
    }

    /// Pretends that the user prefers `dark` or `light`.
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.send("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// The page as a PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        use base64::Engine as _;
        let shot = self.send("Page.captureScreenshot", json!({"format": "png"}));
        base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }
}
