"""Who may open which address: the one table of the portal's rights, one line for each URL name, method and object.

Roles: - signed out, I IT administrator, A BPP administrator, P Power User, C Contributor, L Limited Contributor,
V Viewer, R Reviewer, 0 signed in without a role. Kinds of objects are in `arguments` of test_rights_matrix.py; `.` is
none. Where the object is absent, everybody who is not refused outright gets 404; that is not written down. 404 in a
line is an object that the role must not know of: it looks as if it were absent.

A new address needs a line here.
"""

ROLES = "-IAPCLVR0"

PAGES = """
# name                                    method object         -   I   A   P   C   L   V   R   0
home                                      GET    .              302 200 200 200 200 200 200 200 200
preferences                               GET    .              405 405 405 405 405 405 405 405 405
preferences                               POST   .              302 302 302 302 302 302 302 302 302
route:accounts/signup/                    GET    .              200 200 200 200 200 200 200 200 200
route:accounts/email/                     GET    .              200 200 200 200 200 200 200 200 200
route:accounts/password/reset/            GET    .              200 200 200 200 200 200 200 200 200
route:accounts/password/reset/<path:rest> GET    .              200 200 200 200 200 200 200 200 200
route:accounts/confirm-email/<path:rest>  GET    .              200 200 200 200 200 200 200 200 200
account_login                             GET    .              200 302 302 302 302 302 302 302 302
account_logout                            GET    .              302 200 200 200 200 200 200 200 200
account_logout                            POST   .              302 302 302 302 302 302 302 302 302
account_inactive                          GET    .              200 200 200 200 200 200 200 200 200
account_signup                            GET    .              200 200 200 200 200 200 200 200 200
account_reauthenticate                    GET    .              302 200 200 200 200 200 200 200 200
account_email                             GET    .              200 200 200 200 200 200 200 200 200
account_email_verification_sent           GET    .              200 200 200 200 200 200 200 200 200
account_change_password                   GET    .              302 200 200 200 200 200 200 200 200
route:accounts/password/set/              GET    .              200 200 200 200 200 200 200 200 200
account_set_password                      GET    .              200 200 200 200 200 200 200 200 200
account_reset_password                    GET    .              200 200 200 200 200 200 200 200 200
account_confirm_login_code                GET    .              302 302 302 302 302 302 302 302 302
account_confirm_email                     GET    key            200 200 200 200 200 200 200 200 200
account_reset_password_from_key_done      GET    .              200 200 200 200 200 200 200 200 200
account_reset_password_from_key           GET    reset-key      200 200 200 200 200 200 200 200 200
account_reset_password_done               GET    .              200 200 200 200 200 200 200 200 200
entra_login                               GET    .              302 302 302 302 302 302 302 302 302
entra_login                               POST   .              200 200 200 200 200 200 200 200 200
entra_callback                            GET    .              403 403 403 403 403 403 403 403 403
entra_account                             GET    .              302 200 200 200 200 200 200 200 200
entra_account                             POST   .              302 302 302 302 302 302 302 302 302
mfa_index                                 GET    .              302 200 200 200 200 200 200 200 200
mfa_authenticate                          GET    .              302 302 302 302 302 302 302 302 302
mfa_reauthenticate                        GET    .              302 302 302 302 302 302 302 302 302
mfa_activate_totp                         GET    .              302 302 302 302 302 302 302 302 302
mfa_deactivate_totp                       GET    .              302 404 404 404 404 404 404 404 404
mfa_view_recovery_codes                   GET    .              302 404 404 404 404 404 404 404 404
mfa_generate_recovery_codes               GET    .              302 302 302 302 302 302 302 302 302
mfa_download_recovery_codes               GET    .              302 404 404 404 404 404 404 404 404
admin:index                               GET    .              302 200 200 302 302 302 302 302 302
admin:login                               GET    .              302 302 302 403 403 403 403 403 403
admin:logout                              POST   .              302 200 200 302 302 302 302 302 302
admin:password_change                     GET    .              302 200 200 302 302 302 302 302 302
admin:password_change_done                GET    .              302 200 200 302 302 302 302 302 302
admin:autocomplete                        GET    .              302 403 403 302 302 302 302 302 302
admin:jsi18n                              GET    .              302 200 200 302 302 302 302 302 302
admin:view_on_site                        GET    row            302 404 404 302 302 302 302 302 302
admin:app_list                            GET    app            302 200 200 302 302 302 302 302 302
route:admin/(?P<url>.*)$                  GET    .              302 404 404 302 302 302 302 302 302
pane:open                                 GET    read-cube      302 403 200 200 403 403 403 403 403
pane:open                                 POST   read-cube      302 403 200 200 403 403 403 403 403
pane:open                                 GET    draft-cube     302 403 200 200 403 403 403 404 403
pane:values                               GET    cube           302 403 200 200 403 403 403 200 403
pane:values                               GET    draft-cube     302 403 200 200 403 403 403 404 403
cubes:list                                GET    .              302 403 200 200 200 200 200 200 403
cubes:import                              GET    .              302 403 200 200 403 403 403 403 403
cubes:import                              POST   .              302 403 200 200 403 403 403 403 403
cubes:dimensions                          GET    .              302 403 200 200 403 403 403 403 403
cubes:dimension-delete                    POST   dimension      302 403 302 302 403 403 403 403 403
cubes:new-from-dimensions                 GET    .              302 403 200 200 403 403 403 403 403
cubes:new-from-dimensions                 POST   .              302 403 200 200 403 403 403 403 403
cubes:new-excel                           GET    .              302 403 200 200 403 403 403 403 403
cubes:new-excel                           POST   .              302 403 422 422 403 403 403 403 403
cubes:excel-sheets                        GET    workbooks      302 403 404 404 403 403 403 403 403
cubes:excel-sheets                        POST   workbooks      302 403 404 404 403 403 403 403 403
cubes:excel-columns                       GET    workbooks      302 403 404 404 403 403 403 403 403
cubes:excel-columns                       POST   workbooks      302 403 404 404 403 403 403 403 403
cubes:excel-review                        GET    workbooks      302 403 404 404 403 403 403 403 403
cubes:excel-review                        POST   workbooks      302 403 404 404 403 403 403 403 403
cubes:excel-discard                       POST   workbooks      302 403 404 404 403 403 403 403 403
cubes:cube                                GET    cube           302 403 200 200 200 200 200 200 403
cubes:cube                                GET    draft-cube     302 403 200 200 404 404 404 404 403
cubes:security                            GET    cube           302 403 200 403 403 403 403 403 403
dimension-groups:list                     GET    .              302 403 200 403 403 403 403 403 403
dimension-groups:list                     POST   .              302 403 422 403 403 403 403 403 403
dimension-groups:group                    GET    group          302 403 200 403 403 403 403 403 403
dimension-groups:change                   POST   group          302 403 302 403 403 403 403 403 403
dimension-groups:values                   GET    rule           302 403 200 403 403 403 403 403 403
dimension-groups:values                   POST   rule           302 403 302 403 403 403 403 403 403
cubes:definition                          GET    cube           302 403 200 200 403 403 403 403 403
cubes:definition                          GET    draft-cube     302 403 200 200 403 403 403 403 403
cubes:definition-json                     GET    cube           302 403 200 200 403 403 403 403 403
cubes:definition-json                     GET    draft-cube     302 403 200 200 403 403 403 403 403
cubes:driver-new                          GET    cube           302 403 200 200 403 403 403 403 403
cubes:driver-new                          POST   cube           302 403 200 200 403 403 403 403 403
cubes:driver-new                          GET    draft-cube     302 403 200 200 403 403 403 403 403
cubes:review                              GET    cube           302 403 302 302 403 403 403 403 403
cubes:review                              POST   cube           302 403 302 302 403 403 403 403 403
cubes:review                              GET    draft-cube     302 403 200 200 403 403 403 403 403
cubes:review                              POST   draft-cube     302 403 200 200 403 403 403 403 403
cubes:snapshots                           GET    cube           302 403 200 200 403 403 403 403 403
cubes:snapshots                           GET    draft-cube     302 403 200 200 403 403 403 403 403
cubes:loads                               GET    cube           302 403 200 200 200 403 403 403 403
cubes:loads                               GET    draft-cube     302 403 200 200 404 403 403 403 403
cubes:load-report                         GET    load           302 403 200 200 200 403 403 403 403
cubes:load-report                         GET    load-elsewhere 302 403 404 404 404 403 403 403 403
cubes:load-errors-csv                     GET    load           302 403 200 200 200 403 403 403 403
cubes:load-errors-csv                     GET    load-elsewhere 302 403 404 404 404 403 403 403 403
cubes:load-errors-xlsx                    GET    load           302 403 200 200 200 403 403 403 403
cubes:load-errors-xlsx                    GET    load-elsewhere 302 403 404 404 404 403 403 403 403
cubes:load-records                        GET    load           302 403 404 404 404 403 403 403 403
cubes:load-records                        GET    load-elsewhere 302 403 404 404 404 403 403 403 403
cubes:load-correct                        POST   load           302 403 422 422 422 403 403 403 403
cubes:load-correct                        POST   load-elsewhere 302 403 404 404 404 403 403 403 403
cubes:load                                GET    cube           302 403 200 200 200 403 403 403 403
cubes:load                                GET    draft-cube     302 403 200 200 404 403 403 403 403
cubes:load                                POST   cube           302 403 200 200 200 403 403 403 403
cubes:load                                POST   draft-cube     302 403 200 200 404 403 403 403 403
dataverse:load                            GET    cube           302 403 200 200 200 403 403 403 403
dataverse:load                            GET    draft-cube     302 403 200 200 404 403 403 403 403
dataverse:load                            POST   cube           302 403 422 422 422 403 403 403 403
dataverse:load                            POST   draft-cube     302 403 422 422 404 403 403 403 403
dataverse:status                          GET    dataverse-load 302 403 200 200 200 403 403 403 403
dataverse:live                            GET    dataverse-load 302 403 286 286 286 403 403 403 403
dataverse:stop                            POST   dataverse-load 302 403 302 302 302 403 403 403 403
dataverse:go-on                           POST   dataverse-load 302 403 302 302 302 403 403 403 403
cubes:publish                             POST   cube           302 403 302 302 403 403 403 403 403
cubes:publish                             POST   draft-cube     302 403 302 302 403 403 403 403 403
exports:list                              GET    .              302 200 200 200 403 403 403 200 403
exports:draft                             GET    draft          302 403 302 302 403 403 403 302 403
exports:run                               GET    run            302 200 200 200 403 403 403 200 403
exports:live                              GET    run            302 200 200 200 403 403 403 200 403
exports:lines-csv                         GET    run            302 403 200 200 403 403 403 200 403
exports:cancel                            POST   others-run     302 403 302 403 403 403 403 403 403
exports:cancel                            POST   own-run        302 403 302 302 403 403 403 403 403
exports:retry                             POST   failed-run     302 403 302 302 403 403 403 403 403
exports:reuse                             GET    run            302 403 200 200 403 403 403 200 403
exports:reuse                             POST   run            302 403 200 200 403 403 403 200 403
audit:trail                               GET    .              302 200 200 403 403 403 403 200 403
cube-list                                 GET    .              401 403 200 200 200 200 200 200 403
cube-detail                               GET    cube           401 403 200 200 200 200 200 200 403
cube-detail                               GET    draft-cube     401 403 200 200 404 404 404 404 403
api-exports                               GET    .              401 200 200 200 403 403 403 200 403
api-exports                               POST   .              401 403 415 415 403 403 403 403 403
api-export                                GET    run            401 200 200 200 403 403 403 200 403
api-export-status                         GET    run            401 200 200 200 403 403 403 200 403
schema                                    GET    .              401 200 200 200 200 200 200 200 200
signed_in_again                           GET    .             302 200 200 200 200 200 200 200 200
notices:list                              GET    .             302 200 200 200 200 200 200 200 200
notices:read-all                          POST   .             302 302 302 302 302 302 302 302 302
notices:read                              POST   others-notice 302 404 404 404 404 404 404 404 404
flows                                     GET    .             302 200 200 403 403 403 403 403 403
readiness:page                            GET    .             302 200 200 200 200 200 200 200 403
readiness:live                            GET    .             302 200 200 200 200 200 200 200 403
readiness:check                           POST   .             302 302 302 302 302 302 302 302 403
readiness:fix                             POST   .             302 404 404 403 403 403 403 403 403
connections:list                          GET    .             302 200 200 200 200 403 403 403 403
connections:sign-in                       POST   .             302 302 302 302 302 403 403 403 403
connections:signed-in                     GET    .             302 302 302 302 302 403 403 403 403
connections:remove                        GET    connection    302 200 404 404 404 403 403 403 403
connections:remove                        POST   connection    302 302 404 404 404 403 403 403 403
connections:install                       POST   environment   302 302 403 403 403 403 403 403 403
connections:update                        POST   environment   302 302 403 403 403 403 403 403 403
connections:take-ownership                GET    environment   302 200 200 403 403 403 403 403 403
connections:take-ownership                POST   environment   302 302 302 403 403 403 403 403 403
connections:turn-on-all                   POST   environment   302 302 302 403 403 403 403 403 403
connections:bring-in-line                 POST   environment   302 302 302 403 403 403 403 403 403
connections:turn-on                       POST   flow          302 302 302 403 403 403 403 403 403
connections:turn-off                      POST   flow          302 302 302 403 403 403 403 403 403
connections:environments                  GET    .             302 200 200 403 403 403 403 403 403
connections:environment-new               GET    .             302 200 403 403 403 403 403 403 403
connections:environment-new               POST   .             302 200 403 403 403 403 403 403 403
connections:environment                   GET    environment   302 200 200 403 403 403 403 403 403
connections:environment-edit              GET    environment   302 200 403 403 403 403 403 403 403
connections:environment-edit              POST   environment   302 200 403 403 403 403 403 403 403
connections:set-variable                  POST   environment   302 422 403 403 403 403 403 403 403
connections:make-visible                  POST   entity        302 302 302 403 403 403 403 403 403
"""

# Models in the administration: who sees, adds, changes, deletes. I and A are refused else; the rest is kept out.
ADMIN = """
# model                          see add change delete
audit.auditentry                 IA  .   .      .
auth.group                       I   .   .      .
auth.user                        I   I   I      I
connections.connection           IA  .   IA     I
connections.connectionreference  IA  .   IA     .
connections.environment          IA  I   I      .
connections.flow                 IA  .   IA     .
cubes.cube                       A   .   .      .
cubes.dimension                  A   .   .      .
cubes.load                       A   .   .      .
cubes.snapshot                   A   .   .      .
django_q.failure                 IA  .   .      .
django_q.ormq                    IA  .   .      .
django_q.success                 IA  .   .      .
exports.export                   A   .   .      .
exports.run                      IA  .   .      .
"""
