// Marks in the head of a track's page: 1 to 5 give stars, 0 takes them away.

document.addEventListener("keydown", (event) => {
  const stars = event.target.closest?.("form.marks .stars");
  if (!stars || !/^[0-5]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const wanted = stars.querySelector(`input[value="${event.key}"]`);
  wanted.focus();
  wanted.click();
});
