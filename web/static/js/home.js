// <home-page> follows the log: Home and the inbox are of all areas, so any event may change them.

import { fetchInto, Following } from "./following.js";

customElements.define(
  "home-page",
  class extends Following {
    hear({ position }) {
      this.follower.ask(position);
    }

    connected({ late }) {
      if (late) this.follower.ask(0);
    }

    resumed() {
      this.follower.ask(0);
    }

    refresh(position) {
      return fetchInto(location.pathname, position, { target: "#home", select: "#home", swap: "outerMorph" });
    }
  },
);
