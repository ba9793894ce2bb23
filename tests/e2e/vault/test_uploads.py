"""Uploads that survive lost connections, reloads and impatience; and the real tus-js-client."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import httpx2
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.vault.test_vault import DROP

TUS_CLIENT = Path(__file__).parent.parent / "vendor" / "tus-js-client" / "4.3.1" / "tus.min.js"
# Sends a file with the real client, which stops after the second piece and goes on from its memory.
SEND = """
async ([name, encoded]) => {
    const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
    const file = new File([bytes], name, { lastModified: 1 });
    const seen = { chunks: 0, answers: [] };
    const options = {
        endpoint: "/api/uploads", chunkSize: 200_000, retryDelays: [0, 200],
        metadata: { filename: name, filetype: "audio/wav", relativePath: `Album/${name}` },
        removeFingerprintOnSuccess: true, uploadDataDuringCreation: true,
        onAfterResponse: (request, response) => seen.answers.push(
            [request.getMethod(), response.getStatus(), response.getHeader("NoCulture-Asset")]),
    };
    const first = new tus.Upload(file, {
        ...options,
        onChunkComplete: () => ++seen.chunks === 2 && first.abort(),
    });
    first.start();
    while (seen.chunks < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve, reject) => {
        const again = new tus.Upload(file, { ...options, onSuccess: resolve, onError: reject });
        again.findPreviousUploads().then((previous) => {
            seen.previous = previous.length;
            again.resumeFromPreviousUpload(previous[0]);
            again.start();
        });
    });
    const gone = new tus.Upload(file, { ...options, onChunkComplete: () => gone.abort(true) });
    gone.start();
    while (!seen.answers.some(([method]) => method === "DELETE"))
        await new Promise((resolve) => setTimeout(resolve, 20));
    return seen;
}
"""


STORED = "document.querySelector('upload-panel').items.some((item) => item.asset)"


def noise(path: Path, size: int) -> Path:
    path.write_bytes(b"RIFF" + os.urandom(size - 4))
    return path


def test_the_real_tus_client_creates_resumes_and_terminates(visit: Visit, tmp_path: Path):
    visit.sign_up()
    data = noise(tmp_path / "take.wav", 900_000).read_bytes()
    visit.page.evaluate(TUS_CLIENT.read_text())
    seen = visit.page.evaluate(SEND, ["take.wav", base64.b64encode(data).decode()])
    methods = [method for method, _, _ in seen["answers"]]
    assert seen["previous"] == 1
    assert methods[:2] == ["POST", "PATCH"]  # the creation brought the first piece
    assert "HEAD" in methods
    assert all(status in (200, 201, 204) for _, status, _ in seen["answers"])
    assert next(asset for _, _, asset in seen["answers"] if asset).startswith("ast_")
    assert seen["answers"][-1][:2] == ["DELETE", 204]
    expect(visit.page.locator("tr[data-asset]")).to_have_count(1)
    path = "(async () => (await (await fetch('/api/assets')).json()).data[0].path)()"
    assert visit.page.evaluate(path) == "Album/take.wav"


def test_a_reload_loses_no_upload(visit: Visit, tmp_path: Path):
    """Without a handle the page asks for the file again; the server still has its first part."""
    track = visit.site.music[2]
    visit.sign_up()
    visit.page.route("**/api/uploads/*", _pass_first_patch())
    visit.choose(track.path)
    panel = visit.page.locator("upload-panel")
    visit.until("document.querySelector('upload-panel').items[0]?.sent > 2_000_000")
    visit.page.on("dialog", lambda dialog: dialog.accept())
    visit.page.reload()
    visit.page.unroute("**/api/uploads/*")
    expect(panel).to_contain_text("Choose this file again to continue")
    with visit.page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Go on").click()
    asked = len(visit.requests)
    chooser.value.set_files(track.path)
    visit.until(STORED)
    sent = [r for r in visit.requests[asked:] if "/api/uploads" in r[1]]
    assert [method for method, _, _ in sent][:2] == ["HEAD", "PATCH"]
    assert int(sent[1][2]["upload-offset"]) >= 2_000_000
    assert panel.locator("li").count() == 1
    visit.page.reload()
    expect(visit.page.locator("tr[data-asset]")).to_have_count(1)
    expect(panel).to_be_hidden()


def _pass_first_patch():
    """The second PATCH never gets an answer, as on a line that died without a word."""
    seen = []

    def decide(route):
        if route.request.method == "PATCH":
            seen.append(route)
            if len(seen) > 1:
                return
        route.continue_()

    return decide


def test_a_connection_that_died_silently_is_noticed(visit: Visit):
    """Nothing moves and no error comes: after twenty seconds it is cut and tried again."""
    visit.page.clock.install()
    visit.sign_up()
    visit.page.route("**/api/uploads/*", _pass_first_patch())
    visit.choose(visit.site.music[2].path)
    visit.until("document.querySelector('upload-panel').items[0]?.sent > 2_000_000")
    visit.page.unroute("**/api/uploads/*")
    visit.page.clock.fast_forward(125_000)
    visit.page.clock.fast_forward(5_000)
    visit.page.clock.resume()
    visit.until(STORED)


def test_all_are_paused_and_cancelled_together(visit: Visit, tmp_path: Path):
    visit.sign_up()
    files = [noise(tmp_path / f"{number}.wav", 4_000_000) for number in range(5)]
    visit.page.route("**/api/uploads/*", lambda route: None)
    visit.choose(*files)
    panel = visit.page.locator("upload-panel")
    expect(panel.locator("li")).to_have_count(5)
    panel.get_by_role("button", name="Pause", exact=True).first.click()
    expect(panel).to_contain_text("Paused, 0 of 5 done")
    visit.page.unroute("**/api/uploads/*")
    panel.get_by_role("button", name="Cancel all").click()
    expect(panel.locator("li")).to_have_count(0)
    visit.page.reload()
    expect(panel).to_be_hidden()


def test_the_space_left_is_shown_and_told(visit: Visit):
    visit.sign_up()
    visit.page.evaluate(DROP, [[_dropped(visit.site.music[1].path)]])
    visit.until(STORED)
    visit.page.reload()
    expect(visit.page.get_by_label("Space used of your plan")).to_be_visible()
    expect(visit.page.locator("#vault-stats")).to_contain_text("of 10.0 GB used")
    cookies = {each["name"]: each["value"] for each in visit.page.context.cookies()}
    usage = httpx2.get(visit.site.path("/api/usage"), cookies=cookies).json()
    assert usage["used_bytes"] == visit.site.music[1].path.stat().st_size
    assert (usage["limit_bytes"], usage["plan"]) == (10_000_000_000, "free")


def _dropped(path: Path) -> dict[str, str]:
    return {"name": path.name, "bytes": base64.b64encode(path.read_bytes()).decode()}
