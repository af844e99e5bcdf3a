from django.urls import URLPattern

app_name = "cubes"
urlpatterns: list[URLPattern] = []
