"""Addresses of exports."""

from django.urls import path

from .views import commands, listing, reuse, run

app_name = "exports"
urlpatterns = [
    path("", listing.export_list, name="list"),
    path("drafts/<int:pk>/", reuse.draft, name="draft"),
    path("<str:number>/", run.run_page, name="run"),
    path("<str:number>/live/", run.live, name="live"),
    path("<str:number>/lines.csv", run.lines_csv, name="lines-csv"),
    path("<str:number>/cancel/", commands.cancel_run, name="cancel"),
    path("<str:number>/retry/", commands.retry_run, name="retry"),
    path("<str:number>/reuse/", reuse.reuse, name="reuse"),
]
