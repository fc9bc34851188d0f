"""Where one attempt executes: event loop, thread, child process."""
